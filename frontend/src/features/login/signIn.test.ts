import { expect, it } from 'vitest';
import { destination } from './signIn';

const HERE = 'http://gateway:8080';

it('goes back to where one came from', () => {
  expect(destination('/keys?id=key_1&view=pouches', HERE)).toBe('/keys?id=key_1&view=pouches');
  expect(destination(null, HERE)).toBe('/');
});

it('never leads to another site, or back to itself', () => {
  for (const next of [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    'javascript:alert(1)',
    '/login',
  ]) {
    expect(destination(next, HERE)).toBe('/');
  }
});
