import { describe, expect, it } from "vitest";
import { parse } from "../../../src/policy/document.ts";
import { lints } from "../../../src/policy/lints/index.ts";
import { type AppliedDocument, type LintCode, type LintContext, lint } from "../../../src/policy/lints/lint.ts";
import type { Lint } from "../../../src/policy/lints/subject.ts";

interface Sections {
  readonly inbound?: string;
  readonly backend?: string;
  readonly outbound?: string;
  readonly onError?: string;
}

export const policy = ({ inbound = "<base />", backend = "<base />", outbound = "<base />", onError = "<base />" }: Sections): string =>
  `<policies><inbound>${inbound}</inbound><backend>${backend}</backend><outbound>${outbound}</outbound><on-error>${onError}</on-error></policies>`;

export const when = (condition: string, content: string): string => `<choose><when condition="${condition}">${content}</when></choose>`;

export const lookup = (threshold: string, content = "<vary-by>@(context.Subscription.Id)</vary-by>"): string =>
  `<llm-semantic-cache-lookup score-threshold="${threshold}" embeddings-backend-id="e" embeddings-backend-auth="system-assigned">${content}</llm-semantic-cache-lookup>`;

export const store = '<llm-semantic-cache-store duration="60" />';

export const rateLimit = (key: string): string => `<rate-limit-by-key calls="1" renewal-period="60" counter-key="${key}" />`;

export const tokenLimit = (attributes: string, key = "@(context.Subscription.Id)"): string =>
  `<llm-token-limit counter-key="${key}" estimate-prompt-tokens="true" ${attributes} />`;

export const cached = (inbound: string, outbound = `<base />${store}`): string => policy({ inbound: `<base />${inbound}`, outbound });

export const retry = (attributes: string, forward = '<forward-request buffer-request-body="true" />'): string =>
  `<retry condition="@(context.Response.StatusCode == 429)" interval="0" ${attributes}>${forward}</retry>`;

export const applied = (scope: AppliedDocument["scope"], source: string): LintContext => ({
  scope: "api",
  others: [{ title: `${scope} policy`, scope, document: parse(source) }],
});

export const poolOf = (size: number): LintContext => ({ poolSizes: new Map([["POOL", size]]) });

export type Case = readonly [name: string, source: string, context?: LintContext];

export interface LintCases {
  readonly fires: readonly Case[];
  readonly quiet: readonly Case[];
}

const rows = (cases: readonly Case[]): [name: string, source: string, context: LintContext | undefined][] =>
  cases.map(([name, source, context]) => [name, source, context]);

/** Tests the lints of one module: each has documents in which it finds something, and others like them in which it does not. */
export function testLints(checks: Readonly<Record<string, Lint["check"]>>, cases: Partial<Readonly<Record<LintCode, LintCases>>>): void {
  const own = Object.entries(lints).flatMap(([code, { check }]) => (Object.values(checks).includes(check) ? [code] : []));

  it("has cases for each lint of the module", () => {
    expect(own).not.toEqual([]);
    expect(Object.keys(cases).toSorted()).toEqual(own.toSorted());
  });

  describe.each(Object.entries(cases))("%s", (code, { fires, quiet }) => {
    it.each(rows(fires))("finds %s", (_, source, context) => expect(codesIn(source, context)).toContain(code));
    it.each(rows(quiet))("finds nothing in %s", (_, source, context) => expect(codesIn(source, context)).not.toContain(code));
  });
}

/** What is found in a well-formed document. */
export function codesIn(source: string, context?: LintContext): readonly string[] {
  const document = parse(source);
  expect(document.problems).toEqual([]);
  return lint(document, context).map(({ code }) => code);
}
