import { fireEvent, render, screen, waitFor } from '@testing-library/preact';
import { beforeEach, expect, it, vi } from 'vitest';
import type { IssuedKey } from './keys';
import { SecretDialog } from './SecretDialog';

const ISSUED = { key: 'pouch-secret', name: 'ci', models: ['openai/*', 'gpt-4o-mini'] } as IssuedKey;

beforeEach(() => {
  const answer = new Response('{"data": []}', { headers: { 'content-type': 'application/json' } });
  vi.stubGlobal('fetch', async () => answer.clone());
});

const open = () => {
  const onClose = vi.fn();
  render(<SecretDialog issued={ISSUED} title="Ready" onClose={onClose} />);
  return { onClose, dialog: screen.getByRole('dialog', { name: 'Ready' }) as HTMLDialogElement };
};

it('is not closed by Escape, by a click beside it, or by the browser', () => {
  const { onClose, dialog } = open();
  const key = new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true });
  dialog.dispatchEvent(key);
  fireEvent.mouseDown(dialog);
  const cancel = new Event('cancel', { cancelable: true });
  dialog.dispatchEvent(cancel);
  expect([key.defaultPrevented, cancel.defaultPrevented, dialog.open]).toEqual([true, true, true]);
  dialog.close();
  expect(dialog.open).toBe(true);
  expect(onClose).not.toHaveBeenCalled();
  expect(screen.queryByRole('button', { name: 'Close' })).toBeNull();
});

it('is done only once one says that the key is saved', () => {
  const { onClose } = open();
  const done = screen.getByRole('button', { name: 'Done' });
  expect((done as HTMLButtonElement).disabled).toBe(true);
  fireEvent.click(screen.getByRole('checkbox', { name: 'I have saved it' }));
  fireEvent.click(done);
  expect(onClose).toHaveBeenCalledOnce();
});

it('copies the whole key, and takes that for saved', async () => {
  const writeText = vi.fn(async () => undefined);
  vi.stubGlobal('navigator', { clipboard: { writeText } });
  open();
  fireEvent.click(screen.getAllByRole('button', { name: 'Copy' })[0] as HTMLElement);
  await waitFor(() => expect((screen.getByRole('checkbox') as HTMLInputElement).checked).toBe(true));
  expect(writeText).toHaveBeenCalledWith('pouch-secret');
});

it('shows a first request to a model that the key may use', () => {
  open();
  expect(screen.getByRole('region', { name: 'curl example' }).textContent).toContain('gpt-4o-mini');
});
