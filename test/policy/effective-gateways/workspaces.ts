import { fragment, inbound } from "../gateway-texts.ts";
import {
  apiId,
  globalId,
  team,
  teamApiId,
  teamId,
  teamOperationId,
  teamProductId,
  toApi,
  toTeamApi,
  toTeamApiOfSilver,
  toTeamOperationOfSilver,
} from "./names.ts";
import { choose, type Row, when } from "./row.ts";

/** The same for calls to a workspace's APIs. */
export const workspaces: readonly Row[] = [
  [
    "all five scopes of a workspace's operation",
    {
      policies: {
        [globalId]: inbound("<g />"),
        [teamId]: inbound("<base />", "<w />"),
        [teamProductId]: inbound("<base />", "<p />"),
        [teamApiId]: inbound("<base />", "<a />"),
        [teamOperationId]: inbound("<base />", "<o />"),
      },
    },
    toTeamOperationOfSilver,
    ["inbound g global:3", "inbound w team:4", "inbound p silver:4", "inbound a talk:4", "inbound o say:4"],
  ],
  [
    "all five scopes, base last",
    {
      policies: {
        [globalId]: inbound("<g />"),
        [teamId]: inbound("<w />", "<base />"),
        [teamProductId]: inbound("<p />", "<base />"),
        [teamApiId]: inbound("<a />", "<base />"),
        [teamOperationId]: inbound("<o />", "<base />"),
      },
    },
    toTeamOperationOfSilver,
    ["inbound o say:3", "inbound a talk:3", "inbound p silver:3", "inbound w team:3", "inbound g global:3"],
  ],
  [
    "a workspace without base leaves out the global policy",
    { policies: { [globalId]: inbound("<g />"), [teamId]: inbound("<w />"), [teamApiId]: inbound("<base />", "<a />") } },
    toTeamApi,
    ["inbound w team:3", "inbound a talk:4"],
  ],
  [
    "a workspace's product without base leaves out workspace and global policy",
    {
      policies: {
        [globalId]: inbound("<g />"),
        [teamId]: inbound("<w />"),
        [teamProductId]: inbound("<p />"),
        [teamApiId]: inbound("<base />"),
      },
    },
    toTeamApiOfSilver,
    ["inbound p silver:3"],
  ],
  [
    "a workspace's product only with its subscription",
    { policies: { [teamId]: inbound("<w />"), [teamProductId]: inbound("<base />", "<p />"), [teamApiId]: inbound("<base />", "<a />") } },
    toTeamApi,
    ["inbound w team:3", "inbound a talk:4"],
  ],
  [
    "a workspace without a policy inherits the global one",
    { policies: { [globalId]: inbound("<g />"), [teamApiId]: inbound("<base />", "<a />") } },
    toTeamApi,
    ["inbound g global:3", "inbound a talk:4"],
  ],
  [
    "a workspace by itself",
    { policies: { [globalId]: inbound("<g />"), [teamId]: inbound("<base />", "<w />"), [teamApiId]: inbound("<a />") } },
    { api_id: team },
    ["inbound g global:3", "inbound w team:4"],
  ],
  [
    "a product of a workspace, whichever way it is named",
    { policies: { [globalId]: inbound("<g />"), [teamId]: inbound("<base />", "<w />"), [teamProductId]: inbound("<p />", "<base />") } },
    { api_id: team, product_id: `${team}/products/silver` },
    ["inbound p silver:3", "inbound g global:3", "inbound w team:4"],
  ],
  [
    "a product of a workspace by itself",
    { policies: { [teamId]: inbound("<w />"), [teamProductId]: inbound("<base />", "<p />") } },
    { product_id: `${team}/products/silver` },
    ["inbound w team:3", "inbound p silver:4"],
  ],
  [
    "calls to the service's APIs meet no workspace's policy",
    { policies: { [globalId]: inbound("<g />"), [teamId]: inbound("<w />"), [apiId]: inbound("<base />", "<a />") } },
    toApi,
    ["inbound g global:3", "inbound a chat:4"],
  ],
  [
    "a workspace's documents include its fragments, the global one the service's, of one name",
    {
      policies: {
        [globalId]: inbound('<include-fragment fragment-id="f" />'),
        [teamId]: inbound("<base />", '<include-fragment fragment-id="f" />'),
        [teamApiId]: inbound("<base />", '<include-fragment fragment-id="f" />'),
      },
      fragments: { f: fragment("<x />"), [`${team}/f`]: fragment("<y />"), "workspaces/other/f": fragment("<z />") },
    },
    toTeamApi,
    [
      "inbound x policyFragments/f:2, in global:3",
      `inbound y ${team}/policyFragments/f:2, in team:4`,
      `inbound y ${team}/policyFragments/f:2, in talk:4`,
    ],
  ],
  [
    "fragments of the service and of other workspaces are none of a workspace's",
    {
      policies: {
        [globalId]: inbound('<include-fragment fragment-id="own" />'),
        [teamApiId]: inbound("<base />", '<include-fragment fragment-id="f" />', '<include-fragment fragment-id="g" />'),
      },
      fragments: { f: fragment("<x />"), "workspaces/other/g": fragment("<y />"), [`${team}/own`]: fragment("<z />") },
    },
    toTeamApi,
    ["inbound include-fragment global:3", "inbound include-fragment talk:4", "inbound include-fragment talk:5"],
  ],
  [
    "a workspace's named value names its fragment",
    {
      policies: { [teamApiId]: inbound('<include-fragment fragment-id="{{which}}" />') },
      fragments: { [`${team}/own`]: fragment("<x />"), [`${team}/f`]: fragment("<y />") },
      namedValues: { which: "f", [`${team}/which`]: "own" },
    },
    toTeamApi,
    [`inbound x ${team}/policyFragments/own:2, in talk:3`],
  ],
  [
    "named values are those of the document that refers to them",
    {
      policies: {
        [globalId]: inbound(choose(when("{{who}}", "<g />"))),
        [teamApiId]: inbound("<base />", choose(when("{{who}}", "<a />"), when("{{mine}}", "<b />"))),
      },
      namedValues: { who: "@(service)", mine: "@(not yours)", [`${team}/who`]: "@(team)" },
    },
    toTeamApi,
    ["inbound g global:5, if service", "inbound a talk:6, if team", "inbound b talk:9, if not (team) and {{mine}}"],
  ],
];
