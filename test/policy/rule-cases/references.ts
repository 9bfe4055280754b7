import { inbound, type RuleCase, request } from "./rule-case.ts";

export const referencesCases: readonly RuleCase[] = [
  {
    code: "missing-backend",
    wrong: inbound('<set-backend-service backend-id="openai-est" />'),
    right: inbound('<set-backend-service backend-id="OpenAI-East" /><set-backend-service backend-id="pool-{{region}}" />'),
    options: { inventory: { backends: ["openai-east"] } },
    message: "Backend with id 'openai-est' could not be found.",
    fix: "Did you mean 'openai-east'? Write it, or create the backend first.",
  },
  {
    code: "missing-certificate",
    wrong: inbound('<authentication-certificate certificate-id="a" />'),
    right: inbound('<authentication-certificate certificate-id="b" />'),
    options: { inventory: { certificates: ["b"] } },
  },
  {
    code: "missing-fragment",
    wrong: inbound('<include-fragment fragment-id="auth" />'),
    right: inbound('<include-fragment fragment-id="Authenticate" />'),
    options: { inventory: { fragments: ["authenticate"] } },
    message: "Policy fragment with id 'auth' could not be found.",
  },
  {
    code: "missing-logger",
    wrong: inbound('<log-to-eventhub logger-id="a">x</log-to-eventhub>'),
    right: inbound('<log-to-eventhub logger-id="hub">x</log-to-eventhub>'),
    options: { inventory: { loggers: ["hub"] } },
    message: "Logger not found",
  },
  {
    code: "missing-named-value",
    wrong: inbound('<set-variable name="a" value="@("{{Host}}")" />'),
    right: inbound('<set-variable name="a" value="{{host}}" /><set-body template="liquid">{{body.name}}</set-body>'),
    options: { inventory: { namedValues: new Map([["host", "h"]]) } },
    message: "Cannot find a property 'Host'",
  },
  {
    code: "missing-named-value",
    wrong: inbound(request("<set-url>https://{{host}}/</set-url><set-method>GET</set-method>")),
    right: inbound("<!-- {{host}} -->"),
    options: { inventory: { namedValues: new Map() } },
    message: "Error in element 'set-url' on line 3, column 43: Cannot find a property 'host'",
  },
  {
    code: "unknown-template-parameter",
    wrong: inbound('<rewrite-uri template="/a/{store}?x={Location}" />'),
    right: inbound('<rewrite-uri template="/a/{store}?x=@y" /><rewrite-uri template="@($"/{a}")" />'),
    options: { inventory: { templateParameters: ["store"] } },
    message: "Only parameters specified in the original URL template can be used in the rewrite template",
  },
];
