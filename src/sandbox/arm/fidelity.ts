import { type Fidelity, fidelityRows } from "../fidelity.ts";

const learn = (page: string): string => `https://learn.microsoft.com/${page}`;

/** How the accounts behind the gateway's backends are known to be found and to answer. */
export const accountFidelity: readonly Fidelity[] = fidelityRows("accounts", [
  [
    "Azure Resource Graph shows what the caller may read, and of all Azure subscriptions where none is named",
    "documented",
    learn("rest/api/azureresourcegraph/resourcegraph/resources/resources"),
    "shows nothing of another subscription, and no account without rights",
  ],
  [
    "Its answers come in pages of `$top`, at most 1,000, that `$skipToken` leads on from",
    "documented",
    learn("azure/governance/resource-graph/concepts/work-with-data"),
    "answers in pages, whose tokens lead on",
  ],
  [
    "It has types in lower case: `==` finds nothing in another spelling, `=~` does",
    "measured",
    "queries that users publish with their results, e.g. https://github.com/Azure/azqr/issues/712",
    "compares types as the language does: they are stored in lower case",
  ],
  [
    "A query that is wrong is 400 BadRequest with InvalidQuery and the reason in `details`",
    "measured",
    "https://github.com/Azure/aztfexport/issues/485",
    "refuses %s in its own form",
  ],
  [
    "An account answers at its custom subdomain below `openai`, `cognitiveservices` and `services.ai`",
    "documented",
    learn("azure/ai-services/cognitive-services-custom-subdomains"),
    "finds an account for each host of a model, one for all names of it",
  ],
  [
    "Each host name of an account has limits of its own",
    "assumed",
    "a shortcut of the sandbox: in Azure they are the deployment's, whichever name is called",
    "finds an account for each host of a model, one for all names of it",
  ],
  [
    "A deployment's `rateLimits`: tokens in 60 seconds, requests in 10 or 60",
    "measured",
    "answers of live accounts in third-party fixtures",
    "are the demo's, with their limits",
  ],
  [
    "What a deployment states as its limits is what it refuses by",
    "documented",
    learn("azure/ai-services/openai/how-to/quota#understanding-rate-limits"),
    "that are set are the only ones, and their limits refuse",
  ],
  [
    "403 AuthorizationFailed names the action and the scope",
    "documented",
    learn("azure/role-based-access-control/troubleshooting"),
    "in a version that there is not, or without rights",
  ],
  [
    "AzureOpenAIRequests by deployment and status, the deployment's own 429s among them",
    "documented",
    learn("azure/azure-monitor/reference/supported-metrics/microsoft-cognitiveservices-accounts-metrics"),
    "count what a client has sent, by deployment and status, in the minute of the call",
  ],
  [
    "A call counts in the minute in which it came; one for a deployment that does not exist is not counted, one without a credential is",
    "assumed",
    "nobody says; no consumer may depend on it",
    "count what a client has sent, by deployment and status, in the minute of the call",
  ],
  [
    "TokenTransaction is ProcessedPromptTokens and GeneratedTokens together",
    "documented",
    learn("azure/azure-monitor/reference/supported-metrics/microsoft-cognitiveservices-accounts-metrics"),
    "count the tokens that answers name, of chats, streams and embeddings",
  ],
]);
