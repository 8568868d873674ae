import { describe, expect, it } from 'vitest';
import { block, entry, listItem, quoted, Verbatim } from './yaml';

describe('text', () => {
  it('is plain where YAML takes it for nothing else', () => {
    expect(['rate_limit', 'gpt-4o-mini', 'openai/gpt-4o'].map(quoted)).toEqual([
      'rate_limit',
      'gpt-4o-mini',
      'openai/gpt-4o',
    ]);
  });

  it('is quoted where YAML would read a number, a truth, a null, or syntax', () => {
    const taken = [
      'yes',
      'Off',
      'null',
      '~',
      '1:30',
      '12',
      '1e3',
      '5.00',
      '',
      ' a',
      'a: b',
      'a #b',
      '*',
      '- a',
      '@x',
    ];
    for (const text of taken) expect(quoted(text)).toBe(JSON.stringify(text));
  });

  it('keeps quotes, line ends and backslashes', () => {
    expect(quoted('say "hi"\n\\o/')).toBe('"say \\"hi\\"\\n\\\\o/"');
  });

  it('escapes what would end a line in another script, or may not stand in a file', () => {
    expect(quoted('a\u2028b\u0085c\u007fd\ufeff')).toBe('"a\\u2028b\\u0085c\\u007fd\\ufeff"');
    expect(quoted('Grüße 監視 🎉')).toBe('"Grüße 監視 🎉"');
  });

  it('doubles a dollar, which pouch.yaml would fill in', () => {
    expect(quoted('${')).toBe('"$${"');
    expect(quoted('costs $5')).toBe('"costs $$5"');
  });
});

describe('values', () => {
  it('keep their kind', () => {
    expect(entry('on', true)).toEqual(['"on": true']);
    expect(entry('nothing', null)).toEqual(['nothing: null']);
    expect(entry('match', ['openai/*', 'mock'])).toEqual(['match: ["openai/*", mock]']);
    expect(entry('none', {})).toEqual(['none: {}']);
  });

  it('write a number with an exponent with the dot that YAML wants', () => {
    expect([1e-7, 1e21, 1.5e-9, 60].map((value) => block(value)[0])).toEqual([
      '1.0e-7',
      '1.0e+21',
      '1.5e-9',
      '60',
    ]);
  });

  it('keep every digit that was typed', () => {
    expect(entry('limit', new Verbatim('9007199254740993'))).toEqual(['limit: 9007199254740993']);
  });

  it('that are nested stand in lines of their own', () => {
    expect(entry('rules', [{ model: 'a', to: ['b'] }, { deep: { er: 1 } }])).toEqual([
      'rules:',
      '  - model: a',
      '    to: [b]',
      '  - deep:',
      '      er: 1',
    ]);
  });

  it('that were typed as YAML are put in as they are', () => {
    expect(listItem([...entry('use', 'x'), ...entry('map', new Verbatim('a: 1\n\nb: 2', true))])).toEqual([
      '- use: x',
      '  map:',
      '    a: 1',
      '',
      '    b: 2',
    ]);
  });
});
