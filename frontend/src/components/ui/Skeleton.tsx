/** The place of what is being fetched; give it the height of what will stand there. */
export const Skeleton = ({ class: cls }: { class: string }) => (
  <div class={`skeleton rounded-field ${cls}`} aria-hidden="true" />
);
