import { Icon } from '../../components/ui/Icon';
import { useUniqueId } from '../../lib/useUniqueId';
import { type Message, NEXT_ROLE } from './ask';

type Props = {
  messages: Message[];
  error?: string | undefined;
  onChange: (messages: Message[]) => void;
  onSend: () => void;
};

const NAMES = { user: 'User', assistant: 'Assistant' };

/** What was said so far, and what is asked now. Control and Enter send it. */
export function Messages({ messages, error, onChange, onSend }: Props) {
  const id = useUniqueId();
  const replace = (place: number, message: Message) =>
    onChange(messages.map((each, at) => (at === place ? message : each)));
  const last = messages[messages.length - 1];
  return (
    <div class="grid grid-cols-1 gap-3">
      {messages.map((message, place) => (
        <div key={place} class="grid grid-cols-1 gap-1.5">
          <div class="flex items-center justify-between gap-2">
            <label for={`${id}-${place}`} class="text-sm font-medium">
              {NAMES[message.role]}
            </label>
            {messages.length > 1 && (
              <button
                type="button"
                class="btn btn-ghost btn-xs btn-square max-sm:size-11"
                aria-label={`Remove message ${place + 1}`}
                onClick={() => onChange(messages.filter((_, at) => at !== place))}
              >
                <Icon name="close" size={13} />
              </button>
            )}
          </div>
          <textarea
            id={`${id}-${place}`}
            class="textarea w-full field-sizing-content max-h-80 min-h-20"
            placeholder={message.role === 'user' ? 'Ask something' : 'What the model is to have said'}
            value={message.content}
            aria-describedby={`${id}-error`}
            aria-invalid={Boolean(error)}
            onInput={(event) => replace(place, { ...message, content: event.currentTarget.value })}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
              event.preventDefault();
              onSend();
            }}
          />
        </div>
      ))}
      <p id={`${id}-error`} class="text-xs text-error empty:hidden">
        {error}
      </p>
      <div>
        <button
          type="button"
          class="btn btn-ghost btn-xs -ml-2 max-sm:h-11"
          onClick={() => onChange([...messages, { role: NEXT_ROLE[last?.role ?? 'assistant'], content: '' }])}
        >
          <Icon name="plus" size={13} />
          Add a message
        </button>
      </div>
    </div>
  );
}
