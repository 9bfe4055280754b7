/**
 * Keys and passwords in clear, as they stand in policies, messages and URLs. Structure comes first (a credential field never
 * leaves `azure/`); this finds what somebody has written where text goes. It knows forms, not meanings: best effort.
 */

/** A part of a text: from `start` to before `end`. */
export interface KeySpan {
  readonly start: number;
  readonly end: number;
}

/** Many services of Azure have keys of 32 hexadecimal digits, API Management's subscription keys among them. */
export const hexadecimalKey = /(?<![\w-])(?=[0-9]*[a-f])(?=[a-f]*[0-9])(?<key>[0-9a-f]{32})(?![\w-])/i;

/** Keys of OpenAI and of those who write theirs alike. */
export const prefixedKey = /(?<![\w-])(?<key>sk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{20,})/;

/** What may stand between a name and its value, and around them: as in XML, JSON, JSON in a string, a URL. */
const quote = String.raw`(?:\\?["']|&quot;|&apos;)?`;
const separator = String.raw`(?:=|\s*:\s*|\s*[:=]\s*(?:\\?["']|&quot;|&apos;))`;
const stops = String.raw`\s"'<>&;,{}()[\]\\`;
const secretNames =
  "(?:x-)?api[-_]?key|(?:ocp-apim-)?subscription-key|(?:x-)?functions-key|client[-_]?secret|access[-_]?token|refresh[-_]?token|password|passwd|pwd|secret";

/** In each the group `key` is what must not be shown. None of them takes a bracket in, and so none takes a mark for a key. */
const keyForms: readonly RegExp[] = [
  // In URLs and connection strings: signatures and keys of storage, Service Bus, Event Hubs, Redis.
  /(?<![\w-])(?:sig|AccountKey|SharedAccessKey|SharedSecret(?:Value)?)=(?<key>[\w+/.~%-]{4,}={0,2})/i,
  /(?<=[?&;])(?:code|key|token)=(?<key>[\w+/.~%-]{20,}={0,2})/i,
  /(?<=:\/\/[^\s/@:"'<>[\]]{1,64}:)(?<key>[^\s/@:"'<>{}[\]]{4,})(?=@[^({])/,
  // Behind a name that says so: eight characters with a digit among them are no word.
  new RegExp(`(?<![\\w<-])(?:${secretNames})${quote}${separator}${quote}(?<key>(?=[^${stops}]*\\d)[^${stops}]{8,})`, "i"),
  // XML that a message quotes.
  new RegExp(
    `\\bname=["'](?:${secretNames}|authorization)["'][^<>]{0,200}>\\s*<value>\\s*(?:(?:Bearer|Basic|ApiKey)\\s+)?(?<key>[^\\s<>{}@[\\]][^<>{}[\\]]*?)\\s*</value>`,
    "i",
  ),
  // What an expression compares a header with that is made for a credential.
  new RegExp(
    `(?:"|&quot;)(?:${secretNames}|authorization)(?:"|&quot;)\\s*(?:,\\s*(?:"|&quot;)[^"&]{0,40}(?:"|&quot;)\\s*)?[)\\]](?:\\[\\d\\]|\\.\\w{1,40}\\(\\))*\\s*(?:[!=]=|\\.Equals\\()\\s*(?:"|&quot;)(?<key>[^"&[\\]\\\\]{8,})`,
    "i",
  ),
  /\bBearer\s+(?<key>(?=[\w.~+/-]*\d|[\w.~+/-]{24})[\w.~+/-]{8,}={0,2})/i,
  /\bBasic\s+(?<key>(?=[A-Za-z+/]*(?:\d|[a-z][A-Z]))[A-Za-z0-9+/]{8,}={0,2})/,
  // JSON Web Tokens: the first part is the base64 of `{"`.
  /(?<![\w-])(?<key>eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*){0,3})/,
  // Base64 of 31 to 128 bytes, with its padding.
  /(?<![\w+/=-])(?<key>[A-Za-z0-9+/]{42,172}={1,2})(?![\w+/=-])/,
  // Without it, or of the 84 letters and digits of newer keys of Azure's AI services. A path of ARM has such letters too.
  /(?<![\w+/=-])(?![\w+/]*(?:apis|backends|operations|policies|products|subscriptions|workspaces)\/)(?=[a-z+/\d]*[A-Z])(?=[A-Z+/\d]*[a-z])(?=(?:[A-Za-z+/]*\d){3})(?<key>[A-Za-z0-9+/]{64,})(?![\w+/=-])/,
  /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?<key>[^-[]{16,8192})/,
  prefixedKey,
];

/** Hexadecimal digits that an expression compares with an id name something: `context.Subscription.Id == "..."`. */
const naming = { before: /\bId(?:\.Equals\(|\s*[!=]=)\s*(?:"|&quot;)$/, behind: /^(?:"|&quot;)\s*[!=]=\s*[\w.?]*Id\b/ };

const everywhere = (form: RegExp): RegExp => new RegExp(form.source, `${form.flags}dg`);
const forms = keyForms.map(everywhere);
const hexadecimalForm = everywhere(hexadecimalKey);

/** The keys in a text, in its order, none within another. */
export function keysIn(text: string): readonly KeySpan[] {
  return disjoint([...labelledKeysIn(text), ...hexadecimalKeysIn(text)]);
}

/** Without those that are hexadecimal digits and nothing else. */
export const labelledKeysIn = (text: string): readonly KeySpan[] => disjoint(forms.flatMap((form) => spansOf(form, text)));

export const hexadecimalKeysIn = (text: string): readonly KeySpan[] =>
  spansOf(hexadecimalForm, text).filter(
    ({ start, end }) => !naming.before.test(text.slice(Math.max(0, start - 40), start)) && !naming.behind.test(text.slice(end, end + 60)),
  );

const spansOf = (form: RegExp, text: string): readonly KeySpan[] =>
  [...text.matchAll(form)].flatMap(({ indices }) => {
    const [start, end] = indices?.groups?.key ?? [];
    return start === undefined || end === undefined ? [] : [{ start, end }];
  });

/** Overlapping spans made one. */
export function disjoint(spans: readonly KeySpan[]): readonly KeySpan[] {
  const merged: KeySpan[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1);
    if (last !== undefined && span.start < last.end) merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
    else merged.push(span);
  }
  return merged;
}

/**
 * The text with a mark in the place of each key that `find` finds, until it finds none: what stood beside a key may only now
 * be seen as one. A key that runs over several lines leaves their breaks behind: no line changes its number.
 */
export function withoutKeys(text: string, find: (text: string) => readonly KeySpan[], markOf: (key: string) => string): string {
  for (let shown = text; ; ) {
    const spans = find(shown);
    if (spans.length === 0) return shown;
    let rest = 0;
    const parts = spans.map(({ start, end }) => {
      const key = shown.slice(start, end);
      const before = shown.slice(rest, start);
      rest = end;
      return `${before}${markOf(key)}${(key.match(/\r\n|\r|\n/g) ?? []).join("")}`;
    });
    shown = `${parts.join("")}${shown.slice(rest)}`;
  }
}

const mark = "[redacted]";

/** A text of a policy or about one, to be shown: with `[redacted]` in the place of each key. */
export const redactedText = (text: string): string => withoutKeys(text, keysIn, () => mark);

/**
 * Any text that is about to leave the process. Hexadecimal digits alone stay: an id of APIM's may have 32 of them (PowerShell
 * makes such ones for subscriptions), and an answer without its ids is none.
 */
export const redactedAnswer = (text: string): string =>
  withoutKeys(
    text,
    (shown) => disjoint(labelledKeysIn(shown)),
    () => mark,
  );
