import { useState } from 'preact/hooks';
import { Dialog } from '../../components/ui/Dialog';
import { Field, FormError } from '../../components/ui/Field';
import { Icon } from '../../components/ui/Icon';
import { SubmitButton } from '../../components/ui/SubmitButton';
import { ApiError, messageOf } from '../../lib/api/client';
import { useResource } from '../../lib/api/useResource';
import { useUniqueId } from '../../lib/useUniqueId';
import { BudgetFields } from './BudgetFields';
import { modelsAndProviders } from './keys';
import { ModelsField } from './ModelsField';
import { PouchSelect } from './PouchSelect';
import { inWords, type KeyDraft, localDay, problems, type Window } from './terms';

type Props = {
  title: string;
  description: string;
  act: string;
  start: KeyDraft;
  /** The key's own pouch, if it has one already. */
  ownPouch?: string;
  onSend: (draft: KeyDraft) => Promise<void>;
  onClose: () => void;
};

const DAY_MS = 86_400_000;

/** Makes or changes a key. What the server refuses is shown at its field, and nothing that was typed is lost. */
export function KeyForm({ title, description, act, start, ownPouch, onSend, onClose }: Props) {
  const form = useUniqueId();
  const [draft, setDraft] = useState(start);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<{ param: string | null; message: string } | null>(null);
  const { data: known } = useResource('models', modelsAndProviders);
  const set = (change: Partial<KeyDraft>) => setDraft({ ...draft, ...change });
  const found = tried ? problems(draft) : {};
  const refused = (field: string) => (refusal?.param === field ? refusal.message : null);
  const atAField = refusal?.param === 'name' || refusal?.param === 'expires_at';

  const submit = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    setRefusal(null);
    if (Object.keys(problems(draft)).length) return;
    setBusy(true);
    try {
      await onSend(draft);
    } catch (failure) {
      const param = failure instanceof ApiError ? failure.param : null;
      setRefusal({ param, message: messageOf(failure) });
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={title}
      description={description}
      onClose={onClose}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>
            Cancel
          </button>
          <SubmitButton form={form} busy={busy}>
            {act}
          </SubmitButton>
        </>
      }
    >
      <form id={form} onSubmit={submit} noValidate class="grid grid-cols-1 gap-5">
        <Field
          label="Name"
          error={found.name ?? refused('name')}
          hint="Letters, digits, spaces, - and _, in any script."
        >
          {(ids) => (
            <input
              {...ids}
              class="input w-full"
              placeholder="support-bot"
              maxLength={50}
              autocomplete="off"
              autofocus
              value={draft.name}
              onInput={(event) => set({ name: event.currentTarget.value })}
            />
          )}
        </Field>
        <BudgetFields draft={draft.budget} onChange={(budget) => set({ budget })} showProblems={tried} />
        <PouchSelect chosen={draft.pouch} without={ownPouch} onChange={(pouch) => set({ pouch })} />
        <ModelsField
          chosen={draft.models}
          known={known?.models ?? []}
          onChange={(models) => set({ models })}
        />
        <details
          class="group border-t border-base-300 pt-3"
          open={Boolean(start.provider || start.requests || start.expires)}
        >
          <summary class="flex cursor-pointer list-none items-center gap-1.5 text-sm font-medium max-sm:min-h-11">
            <Icon name="right" size={14} class="transition-transform group-open:rotate-90" />
            Rate limit, expiry, provider
          </summary>
          <div class="mt-4 grid grid-cols-1 gap-4 sm:grid-cols-2">
            <Field
              label="Requests, at most"
              error={found.requests}
              hint="Empty: as the pipeline says."
              optional
            >
              {(ids) => (
                <div class="flex gap-2">
                  <input
                    {...ids}
                    inputMode="numeric"
                    class="input num min-w-0 flex-1"
                    value={draft.requests}
                    onInput={(event) => set({ requests: event.currentTarget.value.trim() })}
                  />
                  <select
                    class="select w-32"
                    aria-label="Window of the rate limit"
                    value={draft.window}
                    onChange={(event) => set({ window: event.currentTarget.value as Window })}
                  >
                    <option value="second">a second</option>
                    <option value="minute">a minute</option>
                    <option value="hour">an hour</option>
                    <option value="day">a day</option>
                  </select>
                </div>
              )}
            </Field>
            <Field label="Provider" hint="Send its requests there and nowhere else." optional>
              {(ids) => (
                <select
                  {...ids}
                  class="select w-full"
                  value={draft.provider}
                  onChange={(event) => set({ provider: event.currentTarget.value })}
                >
                  <option value="">Any</option>
                  {[...new Set([...(known?.providers ?? []), draft.provider])].filter(Boolean).map((name) => (
                    <option key={name} value={name}>
                      {name}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field label="Last day" error={refused('expires_at')} hint="Empty: it never expires." optional>
              {(ids) => (
                <input
                  {...ids}
                  type="date"
                  class="input w-full"
                  min={localDay(new Date().toISOString())}
                  value={draft.expires}
                  onInput={(event) => set({ expires: event.currentTarget.value })}
                />
              )}
            </Field>
            <div class="grid content-end gap-2">
              <div class="flex flex-wrap gap-1.5">
                {[7, 30, 90].map((days) => (
                  <button
                    key={days}
                    type="button"
                    class="btn btn-xs max-sm:h-11"
                    onClick={() =>
                      set({ expires: localDay(new Date(Date.now() + days * DAY_MS).toISOString()) })
                    }
                  >
                    in {days} days
                  </button>
                ))}
              </div>
              <label class="flex items-center gap-2 text-sm">
                <input
                  type="checkbox"
                  class="checkbox checkbox-sm"
                  disabled={!draft.expires}
                  checked={draft.autoRenew}
                  onChange={(event) => set({ autoRenew: event.currentTarget.checked })}
                />
                Renew it when it expires in use
              </label>
            </div>
          </div>
        </details>
        {inWords(draft) && (
          <p class="rounded-field bg-base-200 px-3 py-2 text-sm wrap-anywhere" aria-live="polite">
            {inWords(draft)}
          </p>
        )}
        <FormError message={refusal && !atAField ? refusal.message : null} />
      </form>
    </Dialog>
  );
}
