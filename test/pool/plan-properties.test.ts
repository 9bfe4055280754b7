import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import type { JsonObject } from "../../src/gateway/documents.ts";
import { itemBackendId, objectOf, poolItems } from "../../src/pool/backend.ts";
import { type PoolEdit, planPool } from "../../src/pool/plan.ts";
import type { PoolRequest } from "../../src/pool/request.ts";
import { api, csharp, ids, to } from "./planning.ts";
import { inventoryOf, live, type Parts, pool, single } from "./service.ts";

describe("for any pool and request", () => {
  const names = ["a", "b", "c", "d", "e"];
  const unknown = fc.record(
    { title: fc.string(), azureRegion: fc.string(), tls: fc.constant({ validateCertificateName: false }) },
    { requiredKeys: [] },
  );
  const place = fc.record(
    { priority: fc.nat(100), weight: fc.nat(100), preferredCarbonEmission: fc.constant("Low") },
    { requiredKeys: [] },
  );
  const rules = fc.record(
    {
      name: fc.string(),
      failureCondition: fc.record({ count: fc.integer({ min: 1 }), errorReasons: fc.constant(["Server errors"]) }, { requiredKeys: [] }),
      tripDuration: fc.constant("PT1H"),
      failureResponse: fc.constant({ statusCode: 503 }),
    },
    { requiredKeys: [] },
  );
  const anyParts: fc.Arbitrary<Parts> = fc
    .tuple(
      fc.array(fc.tuple(unknown, fc.option(rules)), { minLength: names.length, maxLength: names.length }),
      fc.subarray(names),
      fc.array(place, { minLength: names.length, maxLength: names.length }),
      fc.record({ failureResponse: fc.constant({ statusCode: 500 }), sessionAffinity: fc.constant({ x: 1 }) }, { requiredKeys: [] }),
    )
    .map(([backends, members, places, more]) => ({
      backends: {
        ...Object.fromEntries(
          backends.map(([properties, own], index) => [
            names[index] ?? "",
            single(`https://${index}.example/`, {
              ...properties,
              ...(own === null ? {} : { circuitBreaker: { rules: [own], later: true } }),
            }),
          ]),
        ),
        aoai: pool(
          members.map((name, index) => ({ id: `/backends/${name}`, ...places[index] })),
          more,
        ),
      },
      policies: { [api]: to("aoai") },
    }));
  const breakers = fc.record(
    {
      failure_count: fc.integer({ min: 1, max: 100 }),
      interval: fc.constantFrom("PT30S", "PT1M"),
      status_codes: fc.constantFrom(["429"], ["500-599", "429"]),
      trip_duration: fc.constantFrom("PT1M", "P1D"),
      accept_retry_after: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  const inputs = fc.uniqueArray(
    fc.record(
      {
        backend_id: fc.constantFrom(...names, "new1", "new2"),
        priority: fc.nat(100),
        weight: fc.nat(100),
        circuit_breaker: fc.option(breakers),
      },
      { requiredKeys: ["backend_id"] },
    ),
    { selector: ({ backend_id }) => backend_id, minLength: 1, maxLength: 4 },
  );
  const anyRequest = fc
    .tuple(
      inputs,
      fc.subarray(names),
      fc.record(
        {
          circuit_breaker: fc.option(breakers),
          session_affinity: fc.option(fc.constant({ cookie: "s" })),
          load_balancing: fc.constant("weighted" as const),
        },
        { requiredKeys: [] },
      ),
    )
    .map(([backends, remove, policies]) => ({
      api_id: "chat",
      backends: backends.map((input) => ({ ...input, ...(input.backend_id.startsWith("new") ? { url: "https://new.example/" } : {}) })),
      remove: remove.filter((name) => !backends.some(({ backend_id }) => backend_id === name)),
      policies,
    }));

  /** The service once the documents are written; undefined where the request contradicts itself. */
  const applied = (over: Parts, request: PoolRequest): { edit: PoolEdit; next: Parts } | undefined => {
    const inventory = inventoryOf(over);
    try {
      const edit = planPool(inventory, csharp, live(inventory.backends), request);
      const written = Object.fromEntries(
        edit.documents.map(({ id, after: properties }) => [id.replace("backends/", ""), properties ?? {}]),
      );
      return { edit, next: { ...over, backends: { ...over.backends, ...written } } };
    } catch (error) {
      if (error instanceof GatewayError && error.code === "invalid_input") return undefined;
      throw error;
    }
  };

  test("planning what is there already changes nothing", () => {
    fc.assert(
      fc.property(anyParts, anyRequest, (over, request) => {
        const first = applied(over, request);
        if (first !== undefined) expect(applied(first.next, request)?.edit.documents).toEqual([]);
      }),
    );
  });

  test("what is not named stays, known or not", () => {
    fc.assert(
      fc.property(anyParts, anyRequest, (over, { policies: _, ...request }) => {
        const result = applied(over, request);
        if (result === undefined) return;
        const before = over.backends ?? {};
        const next = result.next.backends ?? {};
        const named = new Set([...request.backends.map(({ backend_id }) => backend_id), ...request.remove]);
        for (const name of names.filter((candidate) => !named.has(candidate))) expect(next[name]).toBe(before[name]);
        const unnamed = (properties: JsonObject = {}) => poolItems(properties).filter((item) => !named.has(itemBackendId(item)));
        expect(unnamed(next.aoai)).toEqual(unnamed(before.aoai));
        const strange = ({ url: _url, circuitBreaker, pool: own, ...rest }: JsonObject = {}) => {
          const { services: _services, ...poolRest } = objectOf(own);
          return { ...rest, poolRest, later: objectOf(circuitBreaker).later };
        };
        for (const name of Object.keys(before)) {
          const cleared = request.backends.some(({ backend_id, circuit_breaker }) => backend_id === name && circuit_breaker === null);
          if (!cleared) expect(strange(next[name])).toEqual(strange(before[name]));
        }
      }),
    );
  });

  test("every document comes after those that it refers to, and the confirmation is one line of ASCII", () => {
    fc.assert(
      fc.property(anyParts, anyRequest, (over, request) => {
        const edit = applied(over, request)?.edit;
        if (edit === undefined) return;
        const at = ids(edit).indexOf("backends/aoai");
        if (at !== -1) expect(at).toBe(edit.documents.length - 1);
        expect(edit.action).toMatch(/^[\x20-\x7e]+$/);
      }),
    );
  });
});
