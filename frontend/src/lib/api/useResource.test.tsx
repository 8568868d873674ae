import { act, renderHook, waitFor } from '@testing-library/preact';
import { afterEach, expect, it, vi } from 'vitest';
import { useResource } from './useResource';

afterEach(() => vi.useRealTimers());

it('keeps what it has while it fetches again, and when that fails', async () => {
  const load = vi
    .fn<() => Promise<string>>()
    .mockResolvedValueOnce('first')
    .mockRejectedValueOnce(new Error('gone'))
    .mockResolvedValue('last');
  const { result } = renderHook(() => useResource('a', load));
  await waitFor(() => expect(result.current.data).toBe('first'));
  await act(() => result.current.reload());
  expect(result.current.data).toBe('first');
  expect(result.current.error?.message).toBe('gone');
  await act(() => result.current.reload());
  expect(result.current).toMatchObject({ data: 'last', error: null, loading: false });
});

it('gives up the older of two fetches, whichever answers last', async () => {
  const answer: Record<string, (text: string) => void> = {};
  const { result, rerender } = renderHook(
    ({ of }) =>
      useResource(of, () => {
        return new Promise<string>((resolve) => {
          answer[of] = resolve;
        });
      }),
    { initialProps: { of: 'old' } },
  );
  rerender({ of: 'new' });
  await act(async () => {
    answer.new?.('new answer');
    answer.old?.('old answer');
  });
  expect(result.current.data).toBe('new answer');
});

it('polls while the page is visible and not while it is hidden', async () => {
  vi.useFakeTimers();
  const load = vi.fn(async () => 'state');
  const visible = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('visible');
  renderHook(() => useResource('a', load, { pollMs: 1000 }));
  await act(async () => {
    await vi.advanceTimersByTimeAsync(2500);
  });
  expect(load).toHaveBeenCalledTimes(3);
  visible.mockReturnValue('hidden');
  await act(async () => {
    await vi.advanceTimersByTimeAsync(5000);
  });
  expect(load).toHaveBeenCalledTimes(3);
  visible.mockReturnValue('visible');
  await act(async () => {
    document.dispatchEvent(new Event('visibilitychange'));
  });
  expect(load).toHaveBeenCalledTimes(4);
  visible.mockRestore();
});

it('waits for an answer that takes longer than the pause between two', async () => {
  vi.useFakeTimers();
  const load = vi.fn(() => new Promise<string>((resolve) => setTimeout(() => resolve('late'), 3500)));
  const { result } = renderHook(() => useResource('a', load, { pollMs: 1000 }));
  await act(async () => {
    await vi.advanceTimersByTimeAsync(3600);
  });
  expect(result.current.data).toBe('late');
  expect(load).toHaveBeenCalledOnce();
});
