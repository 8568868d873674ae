import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Field } from '../../components/ui/Field';
import { Icon } from '../../components/ui/Icon';
import type { Schemas } from '../../lib/api/client';
import type { AskDraft, Problems } from './ask';
import { KeyField } from './KeyField';
import { Messages } from './Messages';
import { ModelField } from './ModelField';
import type { Price } from './models';

type Props = {
  draft: AskDraft;
  problems: Problems;
  keys: Schemas['KeyObject'][];
  moreKeys: boolean;
  chosen: Schemas['KeyObject'] | null;
  models: Price[] | null;
  busy: boolean;
  onChange: (changes: Partial<AskDraft>) => void;
  onChooseKey: (key: Schemas['KeyObject']) => void;
  onSend: () => void;
  onStop: () => void;
  /** Below the fields: what it would cost. */
  quote: ComponentChildren;
};

/** What is asked, of whom, by whom. */
export function AskForm(props: Props) {
  const { draft, problems, busy, onChange, onSend } = props;
  const [withSystem, setWithSystem] = useState(Boolean(draft.system));
  return (
    <form
      class="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        onSend();
      }}
    >
      <div class="grid grid-cols-1 items-start gap-4 sm:grid-cols-2">
        <KeyField
          chosen={props.chosen}
          keys={props.keys}
          more={props.moreKeys}
          error={problems.key}
          onChoose={props.onChooseKey}
        />
        <ModelField
          chosen={draft.model}
          models={props.models}
          error={problems.model}
          onChoose={(model) => onChange({ model })}
        />
      </div>
      {withSystem ? (
        <Field label="System" optional>
          {(ids) => (
            <textarea
              {...ids}
              class="textarea field-sizing-content max-h-60 min-h-16 w-full"
              placeholder="How the model is to answer"
              value={draft.system}
              onInput={(event) => onChange({ system: event.currentTarget.value })}
            />
          )}
        </Field>
      ) : (
        <div>
          <button
            type="button"
            class="btn btn-ghost btn-xs -ml-2 max-sm:h-11"
            onClick={() => setWithSystem(true)}
          >
            <Icon name="plus" size={13} />
            Add a system message
          </button>
        </div>
      )}
      <Messages
        messages={draft.messages}
        error={problems.messages}
        onChange={(messages) => onChange({ messages })}
        onSend={onSend}
      />
      <Options draft={draft} problems={problems} onChange={onChange} />
      {props.quote}
      <div class="flex flex-wrap items-center gap-2 max-sm:*:flex-1">
        {/* Keyed: one button that changes from Stop to Send would send at the same click. */}
        {busy ? (
          <button key="stop" type="button" class="btn" onClick={props.onStop}>
            <Icon name="stop" size={14} />
            Stop
          </button>
        ) : (
          <button key="send" type="submit" class="btn btn-primary">
            <Icon name="send" size={15} />
            Send
          </button>
        )}
      </div>
    </form>
  );
}

function Options({ draft, problems, onChange }: Pick<Props, 'draft' | 'problems' | 'onChange'>) {
  return (
    <>
      <div class="grid grid-cols-1 items-start gap-4 sm:grid-cols-2">
        <Field
          label="Most output tokens"
          optional
          error={problems.maxTokens}
          hint="Without it, the model's own limit is reserved."
        >
          {(ids) => (
            <input
              {...ids}
              class="input num w-full"
              inputMode="numeric"
              autocomplete="off"
              value={draft.maxTokens}
              onInput={(event) => onChange({ maxTokens: event.currentTarget.value.trim() })}
            />
          )}
        </Field>
        <label class="flex min-h-6 items-center gap-2.5 text-sm max-sm:min-h-11 sm:mt-8">
          <input
            type="checkbox"
            class="toggle toggle-sm toggle-primary"
            checked={draft.stream}
            onChange={(event) => onChange({ stream: event.currentTarget.checked })}
          />
          Stream the answer
        </label>
      </div>
      <details class="text-sm" open={Boolean(problems.more)}>
        <summary class="cursor-pointer py-1 font-medium max-sm:py-3">More fields of the request</summary>
        <div class="mt-2">
          <Field
            label="As JSON"
            error={problems.more}
            hint="Temperature, tools, and whatever else the model takes."
          >
            {(ids) => (
              <textarea
                {...ids}
                class="textarea field-sizing-content max-h-60 min-h-16 w-full font-mono text-xs"
                placeholder={'{"temperature": 0}'}
                spellcheck={false}
                value={draft.more}
                onInput={(event) => onChange({ more: event.currentTarget.value })}
              />
            )}
          </Field>
        </div>
      </details>
    </>
  );
}
