import type { JsonObject } from "../../../src/gateway/documents.ts";
import { fragment, identity, policy, pool, route, serviceOf, single, textOf } from "./judged.ts";

export const global = "policies/policy";
export const gold = "products/gold/policies/policy";
export const free = "products/free/policies/policy";
export const chat = "apis/chat/policies/policy";
export const ask = "apis/chat/operations/Ask/policies/policy";
export const mail = "apis/mail/policies/policy";
export const limit = (tpm: number | string) =>
  `<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="${tpm}" estimate-prompt-tokens="true" />`;
export const when = (team: string, content: string, access = "?.") =>
  `<when condition="@(context.Subscription${access}Id == "${team}")">${content}</when>`;
export const teamLimits = (growth: number, others: number) =>
  policy(`<base /><choose>${when("growth", limit(growth))}<otherwise>${limit(others)}</otherwise></choose>`);

/** Product `gold` has the API `chat`, `free` has `mail`; the operation `Ask` cuts off what it inherits. */
export const service = serviceOf(
  {
    apis: { chat: null, mail: "https://mail.example", dark: null },
    products: { gold: ["chat"], free: ["mail"] },
    policies: {
      [global]: textOf(policy("<cors />")),
      [gold]: textOf(policy(`<base />${limit(1_000)}`)),
      [chat]: textOf(policy(`<base /><include-fragment fragment-id="used" />${route("p")}`)),
      [mail]: textOf(policy(`<rewrite-uri template="{{path}}" /><set-header name="k"><value>{{secret}}</value></set-header>`)),
      "apis/dark/policies/policy": textOf(policy(`<base />${route('@((string)context.Variables["x"])')}`)),
    },
    fragments: { used: textOf(fragment("<cors />")), spare: textOf(fragment("<cors />")) },
    namedValues: { path: "/a", secret: null, spare: "1", "sku-of-b": "s" },
    backends: { a: single(), b: single({ title: "{{sku-of-b}}" }), c: single(identity), p: pool("a", "b"), q: pool("p") },
  },
  { growth: "gold", prod: "gold", labs: "free" },
);
export const nv = { path: "namedValues/nv-0", secret: "namedValues/nv-1", spare: "namedValues/nv-2", sku: "namedValues/nv-3" };

export type Change = Readonly<Record<string, JsonObject | null>>;
