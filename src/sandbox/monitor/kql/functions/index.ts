import type { ScalarFunction } from "./call.ts";
import { choices } from "./choices.ts";
import { dynamics } from "./dynamics.ts";
import { numbers } from "./numbers.ts";
import { texts } from "./texts.ts";
import { times } from "./times.ts";

/** The scalar functions that the engine knows, by their names in lower case. */
export const functions: Readonly<Record<string, ScalarFunction>> = {
  ...choices,
  ...dynamics,
  ...numbers,
  ...texts,
  ...times,
  /** When the row came in; null where the rows are not those of a stored table any more. */
  ingestion_time: ({ frame }) => {
    const { ingested } = frame;
    if (ingested === null) return () => null;
    const times = ingested();
    return (row) => times[row] ?? null;
  },
};
