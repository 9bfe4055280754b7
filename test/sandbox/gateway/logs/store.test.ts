import fc from "fast-check";
import { expect, test } from "vitest";
import { type LogRow, logTables } from "../../../../src/sandbox/gateway/logs/rows.ts";
import { logStore } from "../../../../src/sandbox/gateway/logs/store.ts";

const calls = fc.array(fc.array(fc.constantFrom(...logTables), { maxLength: 6 }), { maxLength: 60 });

test("keeps the newest calls whole, as many as fit, in the order in which they came", () => {
  fc.assert(
    fc.property(calls, fc.integer({ min: 1, max: 40 }), (tables, most) => {
      const store = logStore(most);
      const written = tables.map((call, number) => call.map((table): LogRow => ({ table, row: { number } })));
      for (const rows of written) store.add(rows);
      let kept = written;
      while (kept.flat().length > most) kept = kept.slice(1);
      for (const wanted of logTables) {
        const expected = kept.flat().flatMap(({ table, row }) => (table === wanted ? [row] : []));
        expect(store.rows(wanted)).toEqual(expected);
        expect(store.counts()[wanted]).toBe(expected.length);
      }
    }),
  );
});

test("forgets", () => {
  const store = logStore(2);
  const row: LogRow = { table: "AppMetrics", row: {} };
  store.add([row, row]);
  store.reset();
  expect(store.rows("AppMetrics")).toEqual([]);
  store.add([row, row]);
  expect(store.counts()).toMatchObject({ AppMetrics: 2 });
});
