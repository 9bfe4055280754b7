import { fragment, inbound } from "../gateway-texts.ts";
import { apiId, globalId, toApi } from "./names.ts";
import { choose, otherwise, type Row, when } from "./row.ts";

/** What stands within a document: fragments, branches, named values. */
export const contents: readonly Row[] = [
  [
    "a fragment twice",
    {
      policies: { [apiId]: inbound('<include-fragment fragment-id="f" />', "<a />", '<include-fragment fragment-id="f" />') },
      fragments: { f: fragment("<x />", "<y />") },
    },
    toApi,
    [
      "inbound x policyFragments/f:2, in chat:3",
      "inbound y policyFragments/f:3, in chat:3",
      "inbound a chat:4",
      "inbound x policyFragments/f:2, in chat:5",
      "inbound y policyFragments/f:3, in chat:5",
    ],
  ],
  [
    "a fragment in a branch, named by a named value, in another spelling",
    {
      policies: { [apiId]: inbound(choose(when("@(x)", '<include-fragment fragment-id="{{which}}-limits" />'))) },
      fragments: { "gold-limits": fragment("<l />") },
      namedValues: { which: "Gold" },
    },
    toApi,
    ["inbound l policyFragments/gold-limits:2, in chat:5, if x"],
  ],
  [
    "a fragment that does not exist stays visible",
    { policies: { [apiId]: inbound('<include-fragment fragment-id="none" />', "<a />") } },
    toApi,
    ["inbound include-fragment chat:3", "inbound a chat:4"],
  ],
  [
    "fragments do not nest, so none can go in circles; nor have they a base",
    {
      policies: { [globalId]: inbound("<g />"), [apiId]: inbound('<include-fragment fragment-id="f" />') },
      fragments: { f: fragment('<include-fragment fragment-id="f" />', "<base />", "<x />") },
    },
    toApi,
    [
      "inbound include-fragment policyFragments/f:2, in chat:3",
      "inbound base policyFragments/f:3, in chat:3",
      "inbound x policyFragments/f:4, in chat:3",
    ],
  ],
  [
    "a fragment inherited through base keeps the place that includes it",
    {
      policies: { [globalId]: inbound('<include-fragment fragment-id="f" />'), [apiId]: inbound("<base />") },
      fragments: { f: fragment("<x />") },
    },
    toApi,
    ["inbound x policyFragments/f:2, in global:3"],
  ],
  [
    "each branch of choose under what the earlier ones leave",
    {
      policies: {
        [apiId]: inbound(
          choose(
            when('@(context.Subscription.Id == "a")', "<a />"),
            when("@(b)", "<b />", "<b2 />"),
            when("@(c)", "<c />"),
            otherwise("<d />"),
          ),
          "<e />",
        ),
      },
    },
    toApi,
    [
      'inbound a chat:5, if context.Subscription.Id == "a"',
      'inbound b chat:8, if not (context.Subscription.Id == "a") and b',
      'inbound b2 chat:9, if not (context.Subscription.Id == "a") and b',
      'inbound c chat:12, if not (context.Subscription.Id == "a" or b) and c',
      'inbound d chat:15, if not (context.Subscription.Id == "a" or b or c)',
      "inbound e chat:18",
    ],
  ],
  [
    "choose in choose, over scopes",
    {
      policies: {
        [globalId]: inbound(choose(when("@(g)", "<x />"))),
        [apiId]: inbound(choose(when("@(a)", choose(when("@(b)", "<base />"))))),
      },
    },
    toApi,
    ["inbound x global:5, if a and b and g"],
  ],
  [
    "what other policies hold stands in them, under their conditions too",
    {
      policies: {
        [globalId]: "<policies>\n<backend>\n<forward-request />\n</backend>\n</policies>",
        [apiId]: `<policies>\n<backend>\n<retry condition="@(r)">\n<limit-concurrency key="k">\n<base />\n</limit-concurrency>\n${choose(when("@(w)", "<t />"))}\n</retry>\n</backend>\n</policies>`,
      },
    },
    toApi,
    [
      "backend retry chat:3",
      "backend retry/limit-concurrency chat:4",
      "backend retry/limit-concurrency/forward-request global:3",
      "backend retry/t chat:9, if w",
    ],
  ],
  [
    "conditions have their named values put in",
    {
      policies: { [apiId]: inbound(choose(when("{{on}}", "<a />"), when('@(context.Subscription.Id == "{{team}}")', "<b />"))) },
      namedValues: { on: "@(true && x)", team: "gr" },
    },
    toApi,
    ["inbound a chat:5, if true && x", 'inbound b chat:8, if not (true && x) and context.Subscription.Id == "gr"'],
  ],
  [
    "a secret named value stays a name",
    { policies: { [apiId]: inbound(choose(when("{{key}}", "<a />"))) }, namedValues: { key: null } },
    toApi,
    ["inbound a chat:5, if {{key}}"],
  ],
];
