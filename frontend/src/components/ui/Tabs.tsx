import { useUniqueId } from '../../lib/useUniqueId';

type Props<Id extends string> = {
  label: string;
  tabs: { id: Id; title: string }[];
  chosen: Id;
  onChoose: (id: Id) => void;
};

/** One of a few views. It is a group of buttons: what they show stands below and needs no panel's role. */
export function Tabs<Id extends string>({ label, tabs, chosen, onChoose }: Props<Id>) {
  const id = useUniqueId();
  return (
    <div
      role="group"
      aria-label={label}
      class="inline-flex rounded-field border border-base-300 bg-base-200 p-0.5"
    >
      {tabs.map((tab) => (
        <button
          key={tab.id}
          id={`${id}-${tab.id}`}
          type="button"
          aria-pressed={tab.id === chosen}
          class={`cursor-pointer rounded-[calc(var(--radius-field)-2px)] px-3 py-1 text-sm max-sm:py-2 ${
            tab.id === chosen
              ? 'bg-base-100 font-medium shadow-xs dark:bg-base-300'
              : 'text-base-content/75 hover:text-base-content'
          }`}
          onClick={() => onChoose(tab.id)}
        >
          {tab.title}
        </button>
      ))}
    </div>
  );
}
