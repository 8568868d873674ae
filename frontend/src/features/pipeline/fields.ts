/** A step's JSON Schema as the fields of a form, and what the form holds as values of pouch.yaml. */
import { block, type Json, type Value, Verbatim } from './yaml';

export type Schema = { [name: string]: Json };

export type Kind = 'whole' | 'number' | 'text' | 'flag' | 'choice' | 'lines' | 'yaml' | 'secret';

export type FieldSpec = {
  name: string;
  kind: Kind;
  description: string;
  required: boolean;
  /** What holds where the field is left out; undefined where nothing does. */
  fallback: Json | undefined;
  /** Of a choice. */
  choices: (string | number | boolean)[];
  /** The bounds in words: `above 0, at most 10,000`. */
  bounds: string;
  limits: Limits;
};

type Limits = {
  above?: number;
  least?: number;
  below?: number;
  most?: number;
  length?: number;
  items?: number;
};

/** What the inputs hold: text for all but a flag. An empty text leaves the field out. */
export type Draft = { [name: string]: string };

/** The fields of a schema in its order. What no input fits is edited as YAML. */
export function fieldsOf(schema: Schema): FieldSpec[] {
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(asSchema(schema.properties)).map(([name, property]) => {
    const told = resolved(asSchema(property), schema);
    const { form } = told;
    const limits = limitsOf(form);
    return {
      name,
      kind: hasNullOfItsOwn(told.outer) ? 'yaml' : kindOf(form),
      description: String(told.outer.description ?? form.description ?? ''),
      required: required.includes(name),
      fallback: told.outer.default,
      choices: choicesOf(form),
      bounds: boundsOf(limits),
      limits,
    };
  });
}

const asSchema = (value: Json | undefined): Schema =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};

/** The property with what it refers to, and what it is where it is not null. */
function resolved(property: Schema, root: Schema): { outer: Schema; form: Schema } {
  const outer = followed(property, root);
  const kinds = Array.isArray(outer.anyOf) ? outer.anyOf.map((kind) => followed(asSchema(kind), root)) : [];
  const real = kinds.filter((kind) => kind.type !== 'null');
  if (real.length === 1 && real[0]) return { outer, form: real[0] };
  return { outer, form: outer };
}

function followed(property: Schema, root: Schema): Schema {
  if (typeof property.$ref !== 'string') return property;
  const target = property.$ref
    .replace(/^#\//, '')
    .split('/')
    .reduce<Schema>((place, name) => asSchema(place[name]), root);
  return { ...target, ...property };
}

/** Null is something else than what holds where the field is left out, so an empty input cannot mean it. */
function hasNullOfItsOwn({ anyOf, default: fallback }: Schema): boolean {
  const nullable = Array.isArray(anyOf) && anyOf.some((kind) => asSchema(kind).type === 'null');
  return nullable && fallback !== null;
}

function kindOf(form: Schema): Kind {
  if (form.writeOnly === true || form.format === 'password') return 'secret';
  if (choicesOf(form).length) return 'choice';
  switch (form.type) {
    case 'integer':
      return 'whole';
    case 'number':
      return 'number';
    case 'string':
      return 'text';
    case 'boolean':
      return 'flag';
    case 'array':
      return asSchema(form.items).type === 'string' ? 'lines' : 'yaml';
    default:
      return isAmount(form) ? 'text' : 'yaml';
  }
}

/** A decimal is described as "a number or text"; it is written as text, so that no digit is lost. */
const isAmount = (form: Schema): boolean =>
  Array.isArray(form.anyOf) &&
  form.anyOf.every((kind) => ['string', 'number', 'integer', 'null'].includes(String(asSchema(kind).type)));

function choicesOf(form: Schema): FieldSpec['choices'] {
  const listed = Array.isArray(form.enum) ? form.enum : 'const' in form ? [form.const ?? null] : [];
  return listed.filter((choice) => choice !== null && typeof choice !== 'object');
}

function limitsOf(form: Schema): Limits {
  const bound = (name: string) => (typeof form[name] === 'number' ? form[name] : undefined);
  return {
    above: bound('exclusiveMinimum'),
    least: bound('minimum'),
    below: bound('exclusiveMaximum'),
    most: bound('maximum'),
    length: bound('maxLength'),
    items: bound('minItems'),
  };
}

const words = (value: number) => value.toLocaleString('en-US');

function boundsOf({ above, least, below, most, length, items }: Limits): string {
  const parts = [
    above !== undefined && `above ${words(above)}`,
    least !== undefined && `at least ${words(least)}`,
    below !== undefined && `below ${words(below)}`,
    most !== undefined && `at most ${words(most)}`,
    length !== undefined && `at most ${words(length)} characters`,
    items !== undefined && items > 0 && `at least ${words(items)}`,
  ];
  return parts.filter(Boolean).join(', ');
}

/** What a step is configured as, as a form holds it; what is as it would be anyway is left empty. */
export function draftOf(fields: FieldSpec[], config: Schema): Draft {
  return Object.fromEntries(
    fields.map((field) => {
      const value = config[field.name];
      const isDefault = value === undefined || (same(value, field.fallback) && !field.required);
      return [field.name, isDefault ? '' : shownAs(field, value)];
    }),
  );
}

/** A value as it stands in an input. */
export function shownAs(field: FieldSpec, value: Json): string {
  if (field.kind === 'yaml') return block(value).join('\n');
  if (field.kind === 'secret' || value === null) return '';
  if (field.kind === 'lines' && Array.isArray(value)) return value.join('\n');
  return String(value);
}

export const same = (one: Json | undefined, other: Json | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

const WHOLE = /^-?\d+$/;
const NUMBER = /^-?\d+(?:\.\d+)?$/;

/** Why what is typed cannot stand in pouch.yaml; null if it can. `pouch check` has the last word. */
export function problemOf(field: FieldSpec, text: string): string | null {
  if (!text.trim()) return field.required && field.kind !== 'secret' ? 'It cannot be left out.' : null;
  if (field.kind === 'whole' && !WHOLE.test(text.trim())) return 'A whole number.';
  if (field.kind === 'number' && !NUMBER.test(text.trim())) return 'A number, such as 60 or 0.5.';
  if (field.kind === 'whole' || field.kind === 'number') return outOfBounds(field, Number(text));
  if (field.kind === 'yaml' && /^ *\t/m.test(text)) return 'YAML is indented by spaces, not tabs.';
  if (field.kind === 'yaml' && /^(?:---|\.\.\.)/m.test(text)) return 'One value, not a document of its own.';
  if (field.limits.length !== undefined && text.length > field.limits.length) return `${said(field)}.`;
  return null;
}

function outOfBounds(field: FieldSpec, value: number): string | null {
  const { above, least, below, most } = field.limits;
  const fits =
    (above === undefined || value > above) &&
    (least === undefined || value >= least) &&
    (below === undefined || value < below) &&
    (most === undefined || value <= most);
  return fits ? null : `${said(field)}.`;
}

const said = ({ bounds }: FieldSpec) => bounds.charAt(0).toUpperCase() + bounds.slice(1);

/** The fields that are given, by name, as pouch.yaml has them. */
export function valuesOf(fields: FieldSpec[], draft: Draft): [string, Value][] {
  return fields.flatMap((field): [string, Value][] => {
    const text = draft[field.name] ?? '';
    if (!text.trim() || field.kind === 'secret') return [];
    return [[field.name, meant(field, text)]];
  });
}

function meant(field: FieldSpec, text: string): Value {
  switch (field.kind) {
    case 'whole':
    case 'number':
      return NUMBER.test(text.trim()) ? new Verbatim(text.trim()) : text;
    case 'flag':
      return text === 'true';
    case 'choice':
      return field.choices.find((choice) => String(choice) === text) ?? text;
    case 'lines':
      return linesOf(text);
    case 'yaml':
      return new Verbatim(text.trimEnd(), true);
    default:
      return text;
  }
}

export const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
