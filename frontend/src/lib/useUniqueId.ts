import { useState } from 'preact/hooks';

let last = 0;

/** An id that no other element has. Preact's own `useId` begins anew in each island of a page. */
export function useUniqueId(): string {
  const [id] = useState(() => {
    last += 1;
    return `u${last}`;
  });
  return id;
}
