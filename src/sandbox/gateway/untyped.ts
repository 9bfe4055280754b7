/** Reading JSON that a client or a backend has sent: whatever is not there or of another kind is null. */
export type JsonRecord = Readonly<Record<string, unknown>>;

export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const isRecord = (value: unknown): value is JsonRecord => typeof value === "object" && value !== null && !Array.isArray(value);

export const recordIn = (value: unknown): JsonRecord | null => (isRecord(value) ? value : null);

export const listIn = (value: unknown): readonly unknown[] | null => (Array.isArray(value) ? value : null);

export function memberOf(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : null;
}
