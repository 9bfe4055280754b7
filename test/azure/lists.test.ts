import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPages } from "../../src/azure/lists.ts";
import type { JsonObject } from "../../src/gateway/documents.ts";

const first = "https://arm.invalid/items?api-version=1";

/** How a service gives a list of numbered items. */
interface Paging {
  readonly total: number;
  readonly size: number;
  /** What the first page says, where it says anything. */
  readonly count: number | null;
  readonly link: "$skip" | "%24skip" | "$skiptoken";
  /** Pages from this item on are shorter than the first. */
  readonly shortFrom: number;
}

const linkTo = (at: number, { link }: Paging): string => `${first}&${link}=${at}&$filter=x`;

function served(paging: Paging) {
  const asked: number[] = [];
  const ask = async (url: string | null): Promise<JsonObject> => {
    const at = url === null ? 0 : Number(/skip(?:token)?=(\d+)/.exec(url)?.[1]);
    asked.push(at);
    if (url !== null && url !== linkTo(at, paging)) throw new Error(`not a link that was given: ${url}`);
    const end = Math.min(paging.total, at + (at >= paging.shortFrom ? Math.max(1, paging.size - 1) : paging.size));
    return {
      value: Array.from({ length: Math.max(0, end - at) }, (_, index) => ({ name: String(at + index) })),
      nextLink: end < paging.total ? linkTo(end, paging) : "",
      ...(paging.count === null ? {} : { count: paging.count }),
    };
  };
  return { ask, asked };
}

const notAList = () => new Error("not a list");
const names = (items: readonly JsonObject[]): readonly unknown[] => items.map(({ name }) => name);
const numbers = (total: number): readonly string[] => Array.from({ length: total }, (_, index) => String(index));

const paging: fc.Arbitrary<Paging> = fc
  .record({
    total: fc.nat(60),
    size: fc.integer({ min: 1, max: 12 }),
    lie: fc.constantFrom(null, 0, 0, 0, -20, 35, 1e9),
    link: fc.constantFrom("$skip" as const, "%24skip" as const, "$skiptoken" as const),
    shortFrom: fc.constantFrom(1000, 1000, 7, 20),
  })
  .map(({ lie, ...rest }) => ({ ...rest, count: lie === null ? null : rest.total + lie }));

describe("readPages", () => {
  it("gives every item once and in order, whatever the first page says of the others", async () => {
    await fc.assert(
      fc.asyncProperty(paging, async (given) => {
        const { ask } = served(given);
        expect(names(await readPages(ask, notAList))).toEqual(numbers(given.total));
      }),
    );
  });

  it("asks for each page once where the service pages as it says", async () => {
    const { ask, asked } = served({ total: 1000, size: 100, count: 1000, link: "$skip", shortFrom: 5000 });
    expect(await readPages(ask, notAList)).toHaveLength(1000);
    expect(asked).toEqual(Array.from({ length: 10 }, (_, index) => index * 100));
  });

  it("asks side by side", async () => {
    const { ask } = served({ total: 1000, size: 100, count: 1000, link: "$skip", shortFrom: 5000 });
    let now = 0;
    let most = 0;
    await readPages(async (url) => {
      now += 1;
      most = Math.max(most, now);
      const page = await ask(url);
      now -= 1;
      return page;
    }, notAList);
    expect(most).toBe(9);
  });

  it("follows what has been added meanwhile", async () => {
    const before = served({ total: 20, size: 10, count: 20, link: "$skip", shortFrom: 1000 });
    const after = served({ total: 25, size: 10, count: 25, link: "$skip", shortFrom: 1000 });
    const items = await readPages((url) => (url === null ? before : after).ask(url), notAList);
    expect(names(items)).toEqual(numbers(25));
  });

  it.each([{}, { value: null }, { value: "x" }, { value: {} }])("refuses %j", async (answer) => {
    await expect(readPages(async () => answer, notAList)).rejects.toThrow("not a list");
  });
});
