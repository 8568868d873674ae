import { beforeEach, expect, it } from 'vitest';
import { openAt, param, setParams, withParams } from './urlState';

beforeEach(() => openAt('?q=%C3%9Cber&status=active'));

it('reads the address', () => {
  expect(param('q')).toBe('Über');
  expect(param('sort')).toBeNull();
});

it('changes some parameters and keeps the others', () => {
  setParams({ status: null, sort: 'name' });
  expect(location.search).toBe('?q=%C3%9Cber&sort=name');
  expect(param('status')).toBeNull();
});

it('takes an empty parameter for none', () => {
  setParams({ q: '' });
  expect(location.search).toBe('?status=active');
});

it('writes a name with any character so that it comes back', () => {
  const name = '<b>&=?#监视</b>';
  openAt(withParams({ q: name }));
  expect(param('q')).toBe(name);
});

it('leaves no trail for filters and one step for what opens', () => {
  const before = history.length;
  setParams({ q: 'a' });
  setParams({ q: 'ab' });
  expect(history.length).toBe(before);
  setParams({ id: 'key_1' }, 'push');
  expect(history.length).toBe(before + 1);
});
