/** One line for the operator. Never a secret, never policy text. */
export type Log = (level: "info" | "warning" | "error", message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** A log of JSON lines, e.g. on stderr: stdout belongs to the protocol. */
export const jsonLog =
  (write: (line: string) => void, now: () => Date): Log =>
  (level, message, fields = {}) =>
    write(`${JSON.stringify({ time: now().toISOString(), level, message, ...fields })}\n`);
