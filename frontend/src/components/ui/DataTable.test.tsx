import { fireEvent, render, screen } from '@testing-library/preact';
import { beforeEach, expect, it, vi } from 'vitest';
import { type Column, DataTable, type Fetched } from './DataTable';
import { EmptyState } from './EmptyState';

type Row = { id: string; name: string };
const COLUMNS: Column<Row>[] = [{ header: 'Name', card: 'title', cell: (row) => row.name }];
const LIST: Fetched = { error: null, loadedAt: Date.now(), reload: async () => undefined };

const wide = (matches: boolean) =>
  vi.stubGlobal('matchMedia', () => ({ matches, addEventListener() {}, removeEventListener() {} }));

beforeEach(() => wide(true));

const show = (rows: Row[] | null, list: Partial<Fetched> = {}) =>
  render(
    <DataTable
      what="things"
      columns={COLUMNS}
      rows={rows}
      list={{ ...LIST, ...list }}
      keyOf={(row) => row.id}
      href={(row) => `/things?id=${row.id}`}
      nameOf={(row) => `Open ${row.name}`}
      empty={<EmptyState icon="keys" title="No things yet" />}
    />,
  );

it('holds the place of rows that are being fetched', () => {
  show(null);
  expect(screen.getByRole('table').getAttribute('aria-busy')).toBe('true');
});

it('says that there are none', () => {
  show([]);
  expect(screen.getByText('No things yet')).toBeTruthy();
});

it('says why they could not be fetched, and tries again', () => {
  const reload = vi.fn(async () => undefined);
  show(null, { error: new Error('The gateway cannot be reached.'), reload });
  expect(screen.getByRole('alert').textContent).toContain('The gateway cannot be reached.');
  fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(reload).toHaveBeenCalledOnce();
});

it('keeps rows that could not be fetched again, and says of when they are', () => {
  show([{ id: '1', name: 'one' }], { error: new Error('Gone.') });
  expect(screen.getByText('one')).toBeTruthy();
  expect(screen.getByRole('status').textContent).toMatch(/Gone\. Shown as of/);
});

it('shows a name with HTML in it as it is spelled', () => {
  show([{ id: '1', name: '<img src=x onerror=alert(1)>' }]);
  expect(screen.getByText('<img src=x onerror=alert(1)>')).toBeTruthy();
  expect(document.querySelector('img')).toBeNull();
});

it('is a list of cards on a phone, each a link to its details', () => {
  wide(false);
  show([{ id: '1', name: 'one' }]);
  expect(screen.queryByRole('table')).toBeNull();
  expect(screen.getByRole('link', { name: 'Open one' }).getAttribute('href')).toBe('/things?id=1');
});
