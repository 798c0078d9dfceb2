// The oracle of test_html_body.py: which link attributes parse5 sees, and where their values are.
//
// Reads a JSON list of HTML documents on stdin and writes a JSON list: for each document the
// attributes in the tree ("tree") and those of every start tag ("tokens", which has those that
// the tree builder drops too), each as [start, end, value]. Positions are code points, without
// quotes and surrounding white space.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = process.env.ENGAGEMENT_NODE_MODULES;
const { Parser } = await import(pathToFileURL(join(modules, 'parse5/dist/index.js')).href);

const OPTIONS = { sourceCodeLocationInfo: true, scriptingEnabled: false };

class Recorder extends Parser {
  tags = [];

  onStartTag(token) {
    this.tags.push([token.tagName, token.attrs, token.location.attrs]);
    // What a tag is in SVG is known only when it has been processed.
    super.onStartTag(token);
  }
}

function* elements(node) {
  for (const child of node.content?.childNodes ?? node.childNodes ?? []) {
    yield child;
    yield* elements(child);
  }
}

function links(html, name, attrs, locations) {
  if (name !== 'a' && name !== 'area' && !name.startsWith('v:')) return [];
  const found = [];
  for (const { name: local, prefix, value } of attrs) {
    const key = prefix ? `${prefix}:${local}` : local;
    const wanted = key === 'href' || (prefix === 'xlink' && local === 'href' && name === 'a');
    if (!wanted || !locations?.[key]) continue;
    found.push(span(html, locations[key], value));
  }
  return found;
}

function span(html, { startOffset, endOffset }, value) {
  const source = html.slice(startOffset, endOffset);
  const before = /^[^=]+(?:=[\t\n\f\r ]*)?/.exec(source)[0].length;
  const quoted = /^["']/.test(source.slice(before));
  const inner = source.slice(before + quoted, source.length - quoted);
  const start = startOffset + before + quoted + /^[\t\n\f\r ]*/.exec(inner)[0].length;
  const end = Math.max(start, startOffset + before + quoted + inner.replace(/[\t\n\f\r ]+$/, '').length);
  return [points(html, start), points(html, end), value];
}

const points = (html, units) => [...html.slice(0, units)].length;

const documents = JSON.parse(readFileSync(0, 'utf8'));
const answers = documents.map((html) => {
  const parser = new Recorder(OPTIONS);
  parser.tokenizer.write(html, true);
  const tree = [...elements(parser.document)].flatMap((node) =>
    node.attrs ? links(html, node.nodeName.toLowerCase(), node.attrs, node.sourceCodeLocation?.attrs) : [],
  );
  const tokens = parser.tags.flatMap(([name, attrs, locations]) => links(html, name, attrs, locations));
  return { tree, tokens };
});
process.stdout.write(JSON.stringify(answers));
