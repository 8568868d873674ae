import { expect, it } from 'vitest';
import { snippets } from './snippets';

it('fills in the address, the key and the model in each language', () => {
  const made = snippets('http://gateway:8080', 'pouch-secret', 'gpt-4o-mini');
  expect(made.map((snippet) => snippet.id)).toEqual(['curl', 'python', 'node']);
  for (const { code } of made) {
    expect(code).toContain('http://gateway:8080/v1');
    expect(code).toContain('pouch-secret');
    expect(code).toContain('gpt-4o-mini');
  }
});

it('quotes a model that would end the shell word', () => {
  const [curl] = snippets('http://g', 'k', "it's");
  expect(curl?.code).toContain("it'\\''s");
});
