/**
 * Writes YAML that `pouch check` reads back as it was meant: any text survives, also `yes`, `1:30`,
 * a `${`, and line ends of other scripts.
 */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What stands in the file as it was typed: a number with all its digits, or a nested block of lines. */
export class Verbatim {
  constructor(
    readonly text: string,
    readonly nested = false,
  ) {}
}

export type Value = Json | Verbatim;

/** What needs no quotes in any YAML: a word that is not one of YAML's own. */
const PLAIN = /^[A-Za-z_][\w./-]*$/;
const WORDS = /^(?:true|false|yes|no|on|off|y|n|null|nan|inf|_)$/i;
/** What may not stand in a file as it is, or would be taken for the end of a line. */
const UNPRINTABLE = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** A name, on one line. */
export function quotedName(text: string): string {
  if (PLAIN.test(text) && !WORDS.test(text)) return text;
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text).replace(UNPRINTABLE, escaped);
}

/** Text, on one line. A `$` is doubled, since pouch.yaml would fill in what follows it. */
export const quoted = (text: string): string => quotedName(text).replaceAll('$', '$$$$');

/** YAML wants a dot in a number with an exponent. */
function number(value: number): string {
  const text = String(value);
  return /^-?\d+e/.test(text) ? text.replace('e', '.0e') : text;
}

function oneLine(value: Json): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') return number(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  const fields = Object.entries(value).map(([name, inner]) => `${quotedName(name)}: ${oneLine(inner)}`);
  return `{${fields.join(', ')}}`;
}

const indented = (lines: string[]) => lines.map((line) => (line ? `  ${line}` : line));
const isTree = (value: Json): boolean => value !== null && typeof value === 'object';

/** Whether a value needs lines of its own: a mapping, or a list of more than plain values. */
const needsLines = (value: Json): boolean =>
  Array.isArray(value) ? value.some(isTree) : isTree(value) && Object.keys(value as object).length > 0;

/** A value as the lines of a block. */
export function block(value: Json): string[] {
  if (!needsLines(value)) return [oneLine(value)];
  if (Array.isArray(value)) return value.flatMap((inner) => listItem(block(inner)));
  return Object.entries(value as { [name: string]: Json }).flatMap(([name, inner]) => entry(name, inner));
}

/** `name: value`, or the name alone with the value in the lines below it. */
export function entry(name: string, value: Value): string[] {
  const key = quotedName(name);
  if (value instanceof Verbatim) {
    return value.nested ? [`${key}:`, ...indented(value.text.split('\n'))] : [`${key}: ${value.text}`];
  }
  return needsLines(value) ? [`${key}:`, ...indented(block(value))] : [`${key}: ${oneLine(value)}`];
}

/** Lines as one item of a list. */
export const listItem = ([first = '', ...others]: string[]): string[] => [`- ${first}`, ...indented(others)];
