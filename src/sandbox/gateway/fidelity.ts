import type { Fidelity } from "../fidelity.ts";

const learn = (page: string): string => `https://learn.microsoft.com/azure/api-management/${page}`;
const thirdParty = "responses of live services, published by users";

type Row = readonly [behaviour: string, evidence: Fidelity["evidence"], source: string, test: string];

const rows = (file: string, facts: readonly Row[]): readonly Fidelity[] =>
  facts.map(([behaviour, evidence, source, test]) => ({
    behaviour,
    evidence,
    source,
    test: `test/sandbox/gateway/${file}.test.ts: ${test}`,
  }));

/** How routing, keys, merging, errors and the basic policies are known to work. */
export const gatewayFidelity: readonly Fidelity[] = [
  ...rows("routing", [
    [
      "Versions in path, query or header; without one the original",
      "documented",
      learn("api-management-versions"),
      "a version in the query (documented)",
    ],
    [
      "`;rev=n` behind the API's path reaches another revision",
      "documented",
      learn("api-management-revisions"),
      "another revision by ;rev= (documented)",
    ],
    ["A wildcard operation takes what is left of the path", "documented", learn("add-api-manually"), "a wildcard (documented)"],
    [
      "Paths and templates are matched in any case",
      "assumed",
      "nobody says; clients that work must not fail here",
      "paths are matched in any case (assumed)",
    ],
    ["404 with `Resource not found` where nothing matches", "measured", thirdParty, "404 as the service has it: %s (measured)"],
    [
      "`<on-error>` runs for OperationNotFound",
      "documented",
      learn("api-management-error-handling-policies"),
      "on-error of the global policy sees OperationNotFound (documented)",
    ],
    [
      "A key opens what its product, API or all APIs hold",
      "documented",
      learn("api-management-subscriptions"),
      "a key %s lets in (documented)",
    ],
    [
      "A key that is not valid is ignored where none is required",
      "assumed",
      "the page names valid keys only",
      "of another product, where none is required: nobody (assumed)",
    ],
    [
      "A valid key says who calls, also where none is required",
      "measured",
      thirdParty,
      "where none is required: it still says who calls (measured)",
    ],
    [
      "401 bodies and `WWW-Authenticate` of missing and invalid keys",
      "measured",
      thirdParty,
      "401 without a key, with the header that says where it belongs (measured)",
    ],
    [
      "An open product lets in without a key",
      "documented",
      learn("api-management-subscriptions"),
      "an open product lets everyone in without a key, in its context (documented)",
    ],
    [
      "Keys are checked before any inbound policy",
      "documented",
      learn("api-management-error-handling-policies"),
      "the check comes before inbound, and on-error sees its reason (documented)",
    ],
  ]),
  ...rows("gateway", [
    [
      "`<base />` is what the broader scopes have",
      "documented",
      learn("set-edit-policies"),
      "base is what the broader scopes have (documented)",
    ],
    [
      "A section that a document leaves out inherits",
      "assumed",
      "policies in production leave `<backend>` out and forward",
      "a section that is left out inherits (assumed)",
    ],
    [
      "Fragments take the place of their include",
      "documented",
      learn("policy-fragments"),
      "a fragment takes the place of its include, at every depth (documented)",
    ],
    [
      "Named values are put in as text",
      "documented",
      learn("api-management-howto-properties"),
      "named values are put in as text, in part of a value too; unknown ones stay (documented)",
    ],
    [
      "`context.LastError` names policy, reason, scope, section and path",
      "documented",
      learn("api-management-error-handling-policies"),
      "context.LastError says what has failed and where (documented)",
    ],
    ["An error in `<on-error>` is the answer", "assumed", "nobody says", "an error in it is the answer (assumed)"],
    ["503 where all breakers are open", "documented", learn("backends"), "503 without an attempt (documented code, assumed body)"],
    [
      "That 503 can be caught in `<on-error>`",
      "sample",
      "https://github.com/Azure-Samples/Apim-Samples (load-balancing)",
      "on-error can catch it (sample)",
    ],
    [
      "That 503 can be caught in `<outbound>`",
      "sample",
      "https://github.com/Azure-Samples/Apim-Samples (inference-failover)",
      "outbound can catch it where on-error does not (sample)",
    ],
    [
      "Every gateway instance has its own counters and breakers",
      "documented",
      learn("backends"),
      "take requests in turn, each with its own state; a test picks one",
    ],
  ]),
  ...rows("transformation", [
    [
      "`set-header`: override, skip, append, delete; several values become one",
      "documented",
      learn("set-header-policy"),
      "set-header: override replaces all values, several become one with commas (documented)",
    ],
    [
      "Headers that cannot be set",
      "documented",
      learn("set-header-policy#limitations"),
      "set-header: Content-Length and its like cannot be set (documented)",
    ],
    [
      "`set-query-parameter`",
      "documented",
      learn("set-query-parameter-policy"),
      "set-query-parameter: override, append, skip and delete (documented)",
    ],
    [
      "A body that was read without `preserveContent` is gone",
      "documented",
      learn("set-body-policy"),
      "a body that an expression has read without preserveContent is gone (documented)",
    ],
    [
      "`rewrite-uri` copies unmatched parameters",
      "documented",
      learn("rewrite-uri-policy"),
      "rewrite-uri replaces path and adds query, unmatched parameters are copied (documented)",
    ],
    [
      "`set-backend-service base-url` keeps path and query",
      "documented",
      learn("set-backend-service-policy"),
      "set-backend-service base-url keeps path and query (documented)",
    ],
    [
      "A backend id of a broader scope cannot be overridden by a URL",
      "documented",
      learn("set-backend-service-policy#usage-notes"),
      "a backend-id of a broader scope is not overridden by a base-url (documented)",
    ],
    [
      "`set-variable` keeps the type of its expression",
      "documented",
      learn("set-variable-policy"),
      "set-variable keeps the type of its expression (documented)",
    ],
    [
      "`find-and-replace` works on the body of the section's message",
      "documented",
      learn("find-and-replace-policy"),
      "find-and-replace replaces every occurrence in the section's message (documented)",
    ],
    ["`set-status`", "documented", learn("set-status-policy"), "set-status changes code and reason (documented)"],
  ]),
  ...rows("control-flow", [
    ["`choose` runs the first branch that holds", "documented", learn("choose-policy"), "%s (documented)"],
    [
      "`return-response` answers at once, outbound does not run",
      "documented",
      learn("return-response-policy"),
      "status, headers and body as its elements say; outbound does not run (documented)",
    ],
    [
      "`mock-response` answers the operation's example",
      "documented",
      learn("mock-response-policy"),
      "%s answers the operation's example (documented)",
    ],
    [
      "`retry` runs its children once and then up to `count` times",
      "documented",
      learn("retry-policy"),
      "children run once and then up to count times (documented)",
    ],
    ["`retry` waits fixed, linear or exponential times", "documented", learn("retry-policy#retry-wait-times"), "waits: %s (documented)"],
    [
      "A backend that cannot be reached is an attempt with no response",
      "sample",
      "https://github.com/Azure-Samples/Apim-Samples (inference-failover)",
      "a backend that cannot be reached is an attempt with no response (sample)",
    ],
    [
      "Without `buffer-request-body` a second attempt has no body",
      "documented",
      learn("forward-request-policy"),
      "a buffered body is sent again, one that is not is gone (documented)",
    ],
    ["`wait` for all or any", "documented", learn("wait-policy"), "any: the first ends it, the others are stopped (documented)"],
    [
      "What cannot be executed is 500 where it is reached",
      "assumed",
      "the sandbox's own: the service executes it",
      "an unknown policy is 500 where it is reached, and says so",
    ],
  ]),
  ...rows("sending", [
    [
      "`forward-request` waits for the answer's head, 300 seconds by default",
      "documented",
      learn("forward-request-policy"),
      "no answer within its time is an error of reason Timeout: %s (documented)",
    ],
    [
      "A timeout and a refused connection are answered with 500 and `Internal server error`",
      "assumed",
      "the reasons are documented, the status is not",
      "a refused connection is an error of reason BackendConnectionFailure (documented)",
    ],
    [
      "`fail-on-error-status-code` goes to `<on-error>`",
      "documented",
      learn("forward-request-policy"),
      "fail-on-error-status-code goes to on-error for 400 to 599, with the backend's response (documented)",
    ],
    [
      "`follow-redirects`",
      "documented",
      learn("forward-request-policy"),
      "redirects go to the caller, and are followed where that is asked for (documented)",
    ],
    [
      "`buffer-response`: chunks go on at once or in 8 KB",
      "documented",
      learn("forward-request-policy"),
      "buffer-response=true: chunks are collected up to 8 KB or the end (documented)",
    ],
    [
      "Where nothing is forwarded, outbound begins with an empty 200",
      "assumed",
      "the page says that outbound runs, not on what",
      "without it nothing is forwarded, and outbound runs on an empty answer (documented)",
    ],
    [
      "`send-request` new and copy",
      "documented",
      learn("send-request-policy"),
      "copy begins with the call's own request; in outbound without its body (documented)",
    ],
    [
      "`send-request` with `ignore-error`: the variable is null",
      "documented",
      learn("send-request-policy"),
      "a failure goes to on-error, with ignore-error the variable is null (documented)",
    ],
    [
      "`send-one-way-request` waits for nothing",
      "documented",
      learn("send-one-way-request-policy"),
      "send-one-way-request: nobody waits for its answer or hears of its failure (documented)",
    ],
  ]),
  ...rows("access", [
    ["`ip-filter` and its reasons", "documented", learn("ip-filter-policy"), "%s, from %s: %s (documented)"],
    ["`check-header` and its reasons", "documented", learn("check-header-policy"), "%s with %s: %s (documented)"],
    [
      "`cors` answers preflight requests by itself",
      "documented",
      learn("cors-policy"),
      "a preflight request is answered by the policy alone, without a key (documented)",
    ],
    [
      "`terminate-unmatched-request` is true where left out",
      "assumed",
      "the page's text says so, its table says false",
      "an empty 200 for a preflight request from %s (documented)",
    ],
    [
      "Managed identity: `Authorization`, or a variable",
      "documented",
      learn("authentication-managed-identity-policy"),
      "managed identity: the token in Authorization, or in a variable and nowhere else (documented)",
    ],
    [
      "A client certificate changes nothing that a backend sees",
      "assumed",
      "the sandbox has no TLS to its backends",
      "a client certificate changes nothing that the backend sees (assumed)",
    ],
    ["`trace`", "documented", learn("trace-policy"), "trace is recorded with its metadata; verbose by default (documented)"],
  ]),
  ...rows("jwt", [
    [
      "`validate-jwt`: the reasons of a refusal",
      "documented",
      learn("api-management-error-handling-policies#predefined-errors-for-policies"),
      "%s (documented reason)",
    ],
    [
      "Keys of an issuer are kept for an hour",
      "documented",
      learn("validate-jwt-policy"),
      "they are fetched with the metadata, and kept for an hour (documented)",
    ],
    ["Modulus and exponent as a key", "documented", learn("validate-jwt-policy"), "modulus and exponent in the policy (documented)"],
    [
      "`validate-azure-ad-token`: tenant, applications, audiences",
      "documented",
      learn("validate-azure-ad-token-policy"),
      "an application of the list, version 2",
    ],
    [
      "Tokens of both versions of a tenant's endpoint are taken",
      "assumed",
      "the page does not tell them apart",
      "an application of the list, version 1",
    ],
  ]),
];
