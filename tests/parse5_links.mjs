// The oracle of find_links: which link attributes parse5 sees, and where their values are.
//
// Reads lines on stdin, each a JSON list of HTML documents, and answers each with a line of JSON,
// a list with for each document
//
//   tree     the attributes in the tree
//   tokens   those of every start tag, which has those that the tree builder drops too
//   product  those of every start tag where the tokenizer follows the product's own rules, which
//            engagement/domain/tracking/html_tag.py states: raw text elements are raw text wherever
//            they stand; <svg> and <math> and their end tags alone tell what is foreign; a
//            conditional comment holds markup
//
// each as [start, end, value]. Positions are code points, without quotes and surrounding white
// space.
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const modules = process.env.ENGAGEMENT_NODE_MODULES;
const { Parser, Tokenizer, TokenizerMode } = await import(
  pathToFileURL(join(modules, 'parse5/dist/index.js')).href
);

const OPTIONS = { sourceCodeLocationInfo: true, scriptingEnabled: false };

class Recorder extends Parser {
  tags = [];

  onStartTag(token) {
    this.tags.push([token.tagName, token.attrs, token.location.attrs]);
    // What a tag is in SVG is known only when it has been processed.
    super.onStartTag(token);
  }
}

const RAW = {
  title: TokenizerMode.RCDATA,
  textarea: TokenizerMode.RCDATA,
  style: TokenizerMode.RAWTEXT,
  xmp: TokenizerMode.RAWTEXT,
  iframe: TokenizerMode.RAWTEXT,
  noembed: TokenizerMode.RAWTEXT,
  noframes: TokenizerMode.RAWTEXT,
  script: TokenizerMode.SCRIPT_DATA,
  plaintext: TokenizerMode.PLAINTEXT,
};
const FOREIGN = new Set(['svg', 'math']);
const CONDITIONAL = /^<!--[ \t\n\r\f\v]*\[if\b[^\]]*\]>/i;

// Takes what the tokenizer finds, in the place of a tree builder.
class ProductRules {
  found = [];
  #html;
  #hidden;
  #foreign = 0;

  constructor(html, hidden = false) {
    this.#html = html;
    this.#hidden = hidden;
    this.tokenizer = new Tokenizer(OPTIONS, this);
    this.tokenizer.write(html, true);
  }

  onStartTag({ tagName, attrs, selfClosing, location }) {
    this.#links(tagName, attrs, location.attrs);
    if (FOREIGN.has(tagName)) this.#nest(selfClosing ? 0 : 1);
    else if (tagName in RAW && !(this.#foreign && selfClosing)) {
      // The content ends with the end tag of this very name.
      this.tokenizer.lastStartTagName = tagName;
      this.tokenizer.state = RAW[tagName];
    }
  }

  onEndTag({ tagName }) {
    if (FOREIGN.has(tagName)) this.#nest(-1);
  }

  onComment({ location: { startOffset, endOffset } }) {
    const source = this.#html.slice(startOffset, endOffset);
    const condition = CONDITIONAL.exec(source);
    if (!condition || this.#hidden || !/--!?>$/.test(source)) return;
    const begin = startOffset + condition[0].length;
    const inside = new ProductRules(source.slice(condition[0].length, -'-->'.length), true);
    for (const [start, end, value] of inside.found) this.found.push([start + begin, end + begin, value]);
  }

  #nest(change) {
    this.#foreign = Math.max(this.#foreign + change, 0);
    this.tokenizer.inForeignNode = this.#foreign > 0;
  }

  #links(tag, attrs, locations) {
    if (!isLinking(tag)) return;
    for (const { name, value } of attrs) {
      if (name === 'href' || (name === 'xlink:href' && tag === 'a' && this.#foreign)) {
        this.found.push(span(this.#html, locations[name], value));
      }
    }
  }

  onCharacter() {}
  onNullCharacter() {}
  onWhitespaceCharacter() {}
  onDoctype() {}
  onEof() {}
  onParseError() {}
}

function* elements(node) {
  for (const child of node.content?.childNodes ?? node.childNodes ?? []) {
    yield child;
    yield* elements(child);
  }
}

const isLinking = (name) => name === 'a' || name === 'area' || name.startsWith('v:');

function links(html, name, attrs, locations) {
  if (!isLinking(name)) return [];
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
  return [start, end, value];
}

// UTF-16 code units to code points, for positions in any order.
function toPoints(html) {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(html)) return (units) => units;
  const points = new Uint32Array(html.length + 1);
  let count = 0;
  for (let unit = 0; unit < html.length; unit++) {
    points[unit] = count;
    const whole = html.codePointAt(unit) > 0xffff;
    if (whole) points[++unit] = count;
    count++;
  }
  points[html.length] = count;
  return (units) => points[units];
}

function answer(html) {
  const parser = new Recorder(OPTIONS);
  parser.tokenizer.write(html, true);
  const tree = [...elements(parser.document)].flatMap((node) =>
    node.attrs ? links(html, node.nodeName.toLowerCase(), node.attrs, node.sourceCodeLocation?.attrs) : [],
  );
  const tokens = parser.tags.flatMap(([name, attrs, locations]) => links(html, name, attrs, locations));
  const product = new ProductRules(html).found;
  const point = toPoints(html);
  const placed = (found) => found.map(([start, end, value]) => [point(start), point(end), value]);
  return { tree: placed(tree), tokens: placed(tokens), product: placed(product) };
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  process.stdout.write(`${JSON.stringify(JSON.parse(line).map(answer))}\n`);
}
