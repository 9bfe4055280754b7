import { loadKql } from "../src/kql.ts";
import type { KqlParser, ParsedQuery } from "../src/sandbox/monitor/kql/parser.ts";
import type { Schemas } from "../src/sandbox/monitor/kql/types.ts";

const read = new WeakMap<Schemas, Map<string, ParsedQuery>>();

/**
 * Microsoft's parser of KQL, which reads a text once for all sandboxes of a test file. The same text always comes to the same, and reading
 * it takes longer than all else that most tests of logs do.
 */
export async function rememberedKql(): Promise<KqlParser> {
  const parser = await loadKql();
  return {
    parse(query, schemas) {
      const known = read.get(schemas) ?? new Map<string, ParsedQuery>();
      read.set(schemas, known);
      const parsed = known.get(query) ?? parser.parse(query, schemas);
      known.set(query, parsed);
      return parsed;
    },
  };
}
