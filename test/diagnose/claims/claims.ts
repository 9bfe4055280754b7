import { expect, test } from "vitest";
import { apiPolicy as api, type Diagnosis, openService, type Service, timeout } from "../kit.ts";

export const product = "products/aoai/policies/policy";
export const regions = ["aoai-eastus", "aoai-westeurope"];

/** What a diagnosis must say of a fault, and must not. */
export interface Claim {
  readonly name: string;
  plant(service: Service): Promise<void>;
  readonly asked?: Record<string, unknown>;
  readonly failed?: Diagnosis["failed"];
  readonly verdict?: RegExp;
  /** By check: what its findings say together in `seen`, `means` and `do`. */
  readonly problems: Readonly<Record<string, RegExp>>;
  readonly never?: RegExp;
}

export const textOf = ({ seen, means, do: todo }: Diagnosis["problems"][number]): string => `${seen} ${means} ${todo}`;

export const inbound = (service: Service, xml: string) => service.rewrite(api, "<base />", `<base />${xml}`);

/** What a policy makes of answers that are errors. */
export const outbound = (service: Service, xml: string) => service.rewrite(api, "<outbound>", `<outbound>${xml}`);

/** Answers from this status on become others. */
export const masking = (from: number, to: number) =>
  `<choose><when condition="@(context.Response.StatusCode &gt;= ${from})"><return-response><set-status code="${to}" /><set-body>{"choices":[]}</set-body></return-response></when></choose>`;

export const withoutBreakers = ({ change }: Service) => {
  for (const id of regions) change(`backends/${id}`, { circuitBreaker: null });
};

/** All regions answer calls with this status. */
export const failing = ({ model }: Service, status: number) => {
  for (const id of regions) model(id).script.add({ behaviour: { kind: "status", status } });
};

/** A cause is named only with evidence for it. */
export const holds = (claims: readonly Claim[]) =>
  test.for(claims)("$name", { timeout }, async ({ plant, asked, failed, verdict, problems, never }) => {
    const service = await openService();
    await plant(service);
    await service.clock.advance(60_000);
    const found = await service.diagnose(asked);
    expect([...new Set(found.problems.map(({ check }) => check))].toSorted()).toEqual(Object.keys(problems).toSorted());
    for (const check of Object.keys(problems)) {
      const texts = found.problems.filter((one) => one.check === check).map(textOf);
      expect(texts.join("\n")).toMatch(problems[check] ?? /./);
    }
    if (failed !== undefined) expect(found.failed).toEqual(failed);
    if (verdict !== undefined) expect(found.verdict).toMatch(verdict);
    if (never !== undefined) expect([found.verdict, ...found.problems.map(textOf)].join("\n")).not.toMatch(never);
  });
