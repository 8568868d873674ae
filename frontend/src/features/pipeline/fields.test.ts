import { describe, expect, it } from 'vitest';
import { draftOf, fieldsOf, problemOf, type Schema, valuesOf } from './fields';
import { Verbatim } from './yaml';

const SCHEMA: Schema = {
  $defs: {
    Mode: { enum: ['fast', 'safe'], type: 'string', description: 'How.' },
    Rule: { type: 'object', properties: { model: { type: 'string' } } },
  },
  properties: {
    requests: { type: 'integer', exclusiveMinimum: 0, description: 'Requests allowed.' },
    per_s: { type: 'number', default: 60, exclusiveMinimum: 0, maximum: 3600 },
    reply: { anyOf: [{ type: 'string', maxLength: 8 }, { type: 'null' }], default: null },
    strict: { type: 'boolean', default: true },
    mode: { $ref: '#/$defs/Mode', default: 'safe' },
    match: { type: 'array', items: { type: 'string' }, default: ['*'], minItems: 1 },
    limit: { anyOf: [{ type: 'number' }, { type: 'string' }, { type: 'null' }], default: null },
    rules: { type: 'array', items: { $ref: '#/$defs/Rule' }, default: [] },
    idle_s: { anyOf: [{ type: 'number' }, { type: 'null' }], default: 10 },
    token: { type: 'string', format: 'password', writeOnly: true },
  },
  required: ['requests'],
};
const FIELDS = fieldsOf(SCHEMA);
const field = (name: string) => {
  const found = FIELDS.find((each) => each.name === name);
  if (!found) throw new Error(`no field ${name}`);
  return found;
};

describe('the fields of a schema', () => {
  it('have the input that fits', () => {
    expect(Object.fromEntries(FIELDS.map(({ name, kind }) => [name, kind]))).toEqual({
      requests: 'whole',
      per_s: 'number',
      reply: 'text',
      strict: 'flag',
      mode: 'choice',
      match: 'lines',
      limit: 'text',
      rules: 'yaml',
      idle_s: 'yaml',
      token: 'secret',
    });
  });

  it('say what is meant, what holds otherwise, and between what', () => {
    expect(field('requests')).toMatchObject({
      description: 'Requests allowed.',
      required: true,
      bounds: 'above 0',
    });
    expect(field('per_s')).toMatchObject({ fallback: 60, bounds: 'above 0, at most 3,600', required: false });
    expect(field('mode')).toMatchObject({ choices: ['fast', 'safe'], description: 'How.', fallback: 'safe' });
    expect(field('reply').fallback).toBeNull();
  });

  it('are none where there is nothing to set', () => {
    expect(fieldsOf({ type: 'object' })).toEqual([]);
  });
});

describe('a form', () => {
  it('holds what differs from the defaults, and what is required', () => {
    const config = {
      requests: 5,
      per_s: 60,
      match: ['a', 'b'],
      rules: [{ model: 'x' }],
      token: '**********',
    };
    const draft = draftOf(FIELDS, config);
    expect(draft).toMatchObject({ requests: '5', per_s: '', match: 'a\nb', rules: '- model: x', token: '' });
  });

  it('gives the values back in their kinds, and leaves out what is empty', () => {
    const draft = {
      requests: ' 5 ',
      strict: 'false',
      mode: 'fast',
      match: ' a \n\n b',
      limit: '5.00',
      reply: '',
    };
    expect(valuesOf(FIELDS, draft)).toEqual([
      ['requests', new Verbatim('5')],
      ['strict', false],
      ['mode', 'fast'],
      ['match', ['a', 'b']],
      ['limit', '5.00'],
    ]);
  });

  it('keeps a null that is not the default', () => {
    const draft = draftOf(FIELDS, { requests: 5, idle_s: null });
    expect(valuesOf(FIELDS, draft)).toContainEqual(['idle_s', new Verbatim('null', true)]);
  });

  it('never writes a secret', () => {
    expect(valuesOf(FIELDS, { token: 'sk-1' })).toEqual([]);
  });

  it('says what cannot be meant', () => {
    expect(problemOf(field('requests'), '')).toBe('It cannot be left out.');
    expect(problemOf(field('requests'), '1.5')).toBe('A whole number.');
    expect(problemOf(field('requests'), '0')).toBe('Above 0.');
    expect(problemOf(field('per_s'), '4000')).toBe('Above 0, at most 3,600.');
    expect(problemOf(field('per_s'), '0x10')).toBe('A number, such as 60 or 0.5.');
    expect(problemOf(field('reply'), 'far too long')).toBe('At most 8 characters.');
    expect(problemOf(field('rules'), '\t- a')).toBe('YAML is indented by spaces, not tabs.');
    expect(problemOf(field('per_s'), '')).toBeNull();
    expect(problemOf(field('per_s'), '0.5')).toBeNull();
  });
});
