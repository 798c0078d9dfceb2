// The oracle of test_html_template.py: which markup parse5 sees.
//
// Reads a JSON list of HTML documents on stdin and writes a JSON list: for each document its start
// tags with the names of their attributes, its end tags, and a mark for each comment.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = process.env.ENGAGEMENT_NODE_MODULES;
const { Parser } = await import(pathToFileURL(join(modules, 'parse5/dist/index.js')).href);

const OPTIONS = { scriptingEnabled: false };

class Recorder extends Parser {
  markup = [];
  #inside = false;

  // The tree builder hands itself a token again when another of its modes is to take it.
  #record(mark, proceed) {
    const outer = this.#inside;
    if (!outer) this.markup.push(mark);
    this.#inside = true;
    proceed();
    this.#inside = outer;
  }

  onStartTag(token) {
    const names = token.attrs.map(({ name }) => name);
    this.#record([token.tagName, ...names], () => super.onStartTag(token));
  }

  onEndTag(token) {
    this.#record([`/${token.tagName}`], () => super.onEndTag(token));
  }

  onComment(token) {
    this.#record(['!'], () => super.onComment(token));
  }
}

const documents = JSON.parse(readFileSync(0, 'utf8'));
const answers = documents.map((html) => {
  const parser = new Recorder(OPTIONS);
  parser.tokenizer.write(html, true);
  return parser.markup;
});
process.stdout.write(JSON.stringify(answers));
