/** What one asks in the playground: the form, the body that it makes, and that body as a curl command. */
export type Message = { role: 'user' | 'assistant'; content: string };

export type AskDraft = {
  key: string;
  model: string;
  system: string;
  messages: Message[];
  maxTokens: string;
  stream: boolean;
  /** More fields of the body, as JSON. */
  more: string;
};

export const NEW_ASK: AskDraft = {
  key: '',
  model: '',
  system: '',
  messages: [{ role: 'user', content: '' }],
  maxTokens: '',
  stream: true,
  more: '',
};

export type Problems = Partial<Record<'key' | 'model' | 'messages' | 'maxTokens' | 'more', string>>;

export function problems(draft: AskDraft): Problems {
  const found: Problems = {};
  if (!draft.key) found.key = 'Choose a key.';
  if (!draft.model.trim()) found.model = 'Choose a model.';
  if (!draft.messages.some(({ content }) => content.trim())) found.messages = 'Write something to ask.';
  if (draft.maxTokens && !/^[1-9]\d{0,8}$/.test(draft.maxTokens))
    found.maxTokens = 'A whole number, at least 1.';
  if (more(draft.more) === null) found.more = 'An object in JSON, such as {"temperature": 0}.';
  return found;
}

/** The further fields; null where they are no JSON object. */
function more(text: string): Record<string, unknown> | null {
  if (!text.trim()) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** The chat completion that is asked for. What is written under "more" comes last and wins. */
export function requestBody(draft: AskDraft): Record<string, unknown> {
  const system = draft.system.trim() ? [{ role: 'system', content: draft.system }] : [];
  return {
    model: draft.model.trim(),
    messages: [...system, ...draft.messages.filter(({ content }) => content.trim())],
    ...(draft.maxTokens && { max_tokens: Number(draft.maxTokens) }),
    ...(draft.stream && { stream: true, stream_options: { include_usage: true } }),
    ...more(draft.more),
  };
}

/** Ready to run where `POUCH_KEY` holds the key's secret, which nobody here knows. */
export function asCurl(origin: string, draft: AskDraft): string {
  const body = JSON.stringify(requestBody(draft), null, 2).replaceAll("'", "'\\''");
  return [
    `curl ${draft.stream ? '--no-buffer ' : ''}${origin}/v1/chat/completions \\`,
    '  -H "Authorization: Bearer $POUCH_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '${body}'`,
  ].join('\n');
}

export const NEXT_ROLE = { user: 'assistant', assistant: 'user' } as const;

/** The conversation with the answer in it and room for what is asked next. */
export const continued = (draft: AskDraft, answer: string): AskDraft => ({
  ...draft,
  messages: [
    ...draft.messages.filter(({ content }) => content.trim()),
    { role: 'assistant', content: answer },
    { role: 'user', content: '' },
  ],
});
