/** Copies text; false if the browser would not. Off https there is no `navigator.clipboard`. */
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (refused) {
      // A browser may deny the permission; the older way below needs none.
      if (!(refused instanceof DOMException)) throw refused;
    }
  }
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'fixed top-0 left-0 size-px opacity-0';
  // Outside an open dialog everything is inert, and cannot be selected.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  return copied;
}
