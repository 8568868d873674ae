/** What the API's short words mean, for a person. What a newer server has invented is shown as it is. */
import type { Tone } from '../../components/ui/StatusBadge';
import type { LoggedRequest } from './requests';

type Meaning = { tone: Tone; word: string; why: string };

const EVIDENCE: Record<string, Meaning> = {
  provider_usage: {
    tone: 'good',
    word: 'Reported',
    why: 'The provider reported what was used, and that is what is charged.',
  },
  counted: {
    tone: 'info',
    word: 'Counted',
    why: 'The answer ended before the provider reported its usage; the input and what was relayed were counted.',
  },
  held_full: {
    tone: 'warning',
    word: 'Held in full',
    why: 'It was sent, and nothing is known of what happened then; the whole reservation is charged. It can be refunded.',
  },
  overrun: {
    tone: 'bad',
    word: 'Overrun',
    why: 'The provider billed more than the bound that it was sent; it is charged in full.',
  },
  not_sent: { tone: 'quiet', word: 'Not sent', why: 'It never reached the provider; nothing is charged.' },
  refused: {
    tone: 'quiet',
    word: 'Declined',
    why: 'The provider answered with an error; nothing is charged.',
  },
  free: { tone: 'quiet', word: 'Free', why: 'The model costs nothing; nothing was reserved.' },
};

export const EVIDENCES = Object.keys(EVIDENCE) as LoggedRequest['evidence'][];

export const evidence = (code: string): Meaning =>
  EVIDENCE[code] ?? { tone: 'quiet', word: code, why: 'This dashboard does not know what that means.' };

const ERRORS: Record<string, string> = {
  budget_exceeded: 'Budget reached',
  rate_limit_exceeded: 'Rate limit reached',
  model_not_allowed: 'Model not allowed',
  model_not_priced: 'Model has no price',
  key_disabled: 'Key disabled',
  key_expired: 'Key expired',
  key_frozen: 'Key frozen',
  upstream_error: 'Provider failed',
  upstream_timeout: 'Provider timed out',
  output_limit: 'Cut off at its bound',
  client_gone: 'Client left',
  store_unavailable: 'Store unavailable',
  draining: 'Gateway was stopping',
  max_cost_exceeded: 'Dearer than its own ceiling',
  stopped_by_administrator: 'Stopped by hand',
};

/** Refusals and failures that one can ask the list for. */
export const ERROR_CODES = Object.keys(ERRORS);

export const errorInWords = (code: string): string => ERRORS[code] ?? code;

/** `pouch.yaml:18` is line 18 of that file. */
export function sourceInWords(source: string): string {
  const parts = /^(.+\.ya?ml):(\d+)$/.exec(source);
  return parts ? `${parts[1]}, line ${parts[2]}` : source;
}
