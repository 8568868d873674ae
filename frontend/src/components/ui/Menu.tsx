import { useRef } from 'preact/hooks';
import { useUniqueId } from '../../lib/useUniqueId';
import { Icon, type IconName } from './Icon';

export type MenuItem = { label: string; icon: IconName; onChoose: () => void; danger?: boolean };

const GAP_PX = 4;

/** What can be done with a row, behind three dots. A popover, so that no table cuts it off. */
export function Menu({ label, items }: { label: string; items: MenuItem[] }) {
  const id = `menu${useUniqueId()}`;
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const place = () => {
    const [from, menu] = [button.current?.getBoundingClientRect(), list.current];
    if (!from || !menu) return;
    const fitsBelow = from.bottom + GAP_PX + menu.offsetHeight < innerHeight;
    menu.style.top = `${fitsBelow ? from.bottom + GAP_PX : Math.max(GAP_PX, from.top - GAP_PX - menu.offsetHeight)}px`;
    menu.style.left = `${Math.max(GAP_PX, from.right - menu.offsetWidth)}px`;
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="btn btn-ghost btn-sm btn-square relative z-10 max-sm:size-11"
        aria-label={label}
        popovertarget={id}
      >
        <Icon name="more" />
      </button>
      <ul
        ref={list}
        id={id}
        popover="auto"
        class="inset-auto m-0 min-w-44 rounded-box border border-base-300 bg-base-100 p-1 text-base-content shadow-lg"
        onToggle={place}
      >
        {items.map((item) => (
          <li key={item.label}>
            <button
              type="button"
              class={`flex w-full cursor-pointer items-center gap-2.5 rounded-field px-2.5 py-1.5 text-left text-sm hover:bg-base-200 max-sm:py-3 ${item.danger ? 'text-error' : ''}`}
              onClick={() => {
                list.current?.hidePopover();
                item.onChoose();
              }}
            >
              <Icon name={item.icon} size={15} />
              {item.label}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
