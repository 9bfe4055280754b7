import type { Fidelity } from "../../fidelity.ts";

const backends = "https://learn.microsoft.com/azure/api-management/backends";
const samples = "https://github.com/Azure-Samples/Apim-Samples";
const specification = "https://learn.microsoft.com/azure/templates/microsoft.apimanagement/service/backends";

const breakerTest = (name: string): string => `test/sandbox/gateway/backends/breaker.test.ts: ${name}`;
const poolTest = (name: string): string => `test/sandbox/gateway/backends/pool.test.ts: ${name}`;
const selectTest = (name: string): string => `test/sandbox/gateway/backends/select.test.ts: ${name}`;

/** How pools, breakers and session affinity are known to work. */
export const backendFidelity: readonly Fidelity[] = [
  {
    behaviour: "A pool's requests are shared by relative weights within a priority group, round robin by default",
    evidence: "documented",
    source: `${backends}#load-balanced-pool`,
    test: poolTest("after any number of requests every member is within one of its share per member"),
  },
  {
    behaviour: "Weights of 50/50 alternate, 80/20 are tracked closely",
    evidence: "sample",
    source: `${samples} (load-balancing, tests 1 to 7)`,
    test: poolTest("requests alternate at 50/50"),
  },
  {
    behaviour: "The order within a round is that of smooth weighted round robin",
    evidence: "assumed",
    source: "Microsoft documents the shares alone",
    test: poolTest("3 to 1 is spread, not in blocks"),
  },
  {
    behaviour: "A lower priority group is used only when the breakers of all backends above it are tripped",
    evidence: "documented",
    source: `${backends}#load-balanced-pool`,
    test: poolTest("a lower group is never used while a higher one has a closed member"),
  },
  {
    behaviour: "Priority and weight are 1 where left out",
    evidence: "assumed",
    source: "a pool without either is documented as a round robin; the default is not",
    test: poolTest("priority and weight are 1 where left out; who is named twice counts once; what is no member is passed over"),
  },
  {
    behaviour: "A weight of 0 gets nothing, unless all that are left have it",
    evidence: "assumed",
    source: "weights are relative; 0 is in the documented range",
    test: poolTest("weight 0 gets nothing"),
  },
  {
    behaviour: "A breaker opens at its count of failures in a sliding interval; a success between them clears nothing",
    evidence: "documented",
    source: `${backends}#circuit-breaker (failures in an interval, not consecutive ones)`,
    test: breakerTest("a success between failures clears nothing"),
  },
  {
    behaviour: "After its trip duration traffic resumes as before: no half-open state, an empty window",
    evidence: "documented",
    source: `${backends}#circuit-breaker ("the circuit resets and traffic resumes")`,
    test: breakerTest("is closed again, not half open, from the moment on which the trip ends"),
  },
  {
    behaviour: "An accepted Retry-After decides when traffic resumes",
    evidence: "documented",
    source: `${backends}#circuit-breaker`,
    test: breakerTest("Retry-After, where it is accepted"),
  },
  {
    behaviour: "Of several Retry-After that of the failure which opens the breaker decides",
    evidence: "assumed",
    source: "not documented; earlier failures did not stop traffic",
    test: breakerTest("Retry-After of the failure that opens it"),
  },
  {
    behaviour: "A percentage is one of all requests in the interval, however few",
    evidence: "assumed",
    source: "the denominator is not documented",
    test: breakerTest("half of the requests, for 50 %"),
  },
  {
    behaviour: "No answer (connection failure, timeout) does not trip a rule without errorReasons",
    evidence: "sample",
    source: `${samples} (inference-failover, response matrix)`,
    test: breakerTest("no answer does not trip a rule without errorReasons"),
  },
  {
    behaviour: "errorReasons are compared with context.LastError.Reason",
    evidence: "assumed",
    source: 'no vocabulary is documented; samples write free text such as "Server errors"',
    test: breakerTest("no answer trips a rule that names its reason"),
  },
  {
    behaviour: "What comes back while a breaker is open is not counted",
    evidence: "assumed",
    source: "not documented; those requests were sent before it opened",
    test: breakerTest("what comes back while it is open changes nothing"),
  },
  {
    behaviour: "A breaker belongs to the backend resource: pools that share a backend share it",
    evidence: "sample",
    source: `${samples} (inference-failover README)`,
    test: selectTest("are of the backend, whichever pool it was reached through"),
  },
  {
    behaviour: "Every gateway instance balances and breaks by itself",
    evidence: "documented",
    source: `${backends} (rules are approximate, instances do not synchronise)`,
    test: selectTest("are of one instance"),
  },
  {
    behaviour: "Breakers do not work in the Consumption tier",
    evidence: "documented",
    source: backends,
    test: selectTest("do not work in the Consumption tier"),
  },
  {
    behaviour: "Each attempt of a retry selects anew from the pool",
    evidence: "sample",
    source: `${samples} (inference-failover)`,
    test: selectTest("a breaker of 1 and one retry: none"),
  },
  {
    behaviour: "With all breakers open the answer is 503",
    evidence: "documented",
    source: `${backends}#circuit-breaker`,
    test: selectTest("all open: nothing is selected, and the answer is 503"),
  },
  {
    behaviour: "failureResponse of a pool or of a rule is the status that stands in place of that 503",
    evidence: "assumed",
    source: `${specification} names the member and its statusCode, not its meaning`,
    test: selectTest("the pool's failureResponse"),
  },
  {
    behaviour: "Editing a backend does not reset its breaker",
    evidence: "assumed",
    source: "not documented; the reading under which an edit does not hide an outage",
    test: selectTest("stay open when their backend is edited, and are gone with their rule"),
  },
  {
    behaviour: "Session affinity: the gateway sets the cookie; a client that returns it stays with its backend",
    evidence: "documented",
    source: `${backends}#session-affinity`,
    test: selectTest("the first answer sets the cookie; with it a client stays where it was"),
  },
  {
    behaviour: "A sticky backend whose breaker is open is passed over, and the client gets another's cookie",
    evidence: "assumed",
    source: "not documented",
    test: selectTest("a session whose member is open goes to another and gets its cookie"),
  },
  {
    behaviour: "Priorities come before sessions: a session fails over and back like everyone",
    evidence: "assumed",
    source: "the rule of priorities is documented without an exception",
    test: poolTest("priorities come before sessions"),
  },
];
