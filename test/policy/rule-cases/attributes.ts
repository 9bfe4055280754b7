import { inbound, limit, type RuleCase, request } from "./rule-case.ts";

export const attributesCases: readonly RuleCase[] = [
  {
    code: "attribute-out-of-scope",
    severity: "warning",
    wrong: inbound(limit('tokens-per-minute="1" remaining-quota-tokens-header-name="x"')),
    right: inbound(limit('tokens-per-minute="1" remaining-tokens-header-name="x"')),
    options: { scope: "product" },
    message: "The 'remaining-quota-tokens-header-name' attribute is unavailable for websocket APIs and global/product policies.",
  },
  {
    code: "conflicting-attributes",
    wrong: "<policies><backend>\n<forward-request timeout='1' timeout-ms='1000' /></backend></policies>",
    right: "<policies><backend>\n<forward-request timeout='1' /></backend></policies>",
    line: 2,
    fix: "Keep one of 'timeout', 'timeout-ms'.",
  },
  {
    code: "conflicting-attributes",
    severity: "warning",
    wrong: inbound('<set-backend-service backend-id="b" base-url="https://b" />'),
    right: inbound('<set-backend-service base-url="https://b" />'),
  },
  {
    code: "expression-not-allowed",
    wrong: inbound('<mock-response status-code="@(200)" />'),
    right: inbound('<mock-response status-code="200" />'),
    message:
      "The 'status-code' attribute is invalid - The value '@(200)' is invalid according to its datatype 'http://www.w3.org/2001/XMLSchema:int'",
  },
  {
    code: "expression-not-allowed",
    wrong: inbound('<include-fragment fragment-id="@(context.Api.Id)" />'),
    right: inbound('<set-backend-service backend-id="@(context.Api.Id)" />'),
  },
  {
    code: "expression-not-allowed",
    severity: "warning",
    wrong: inbound(limit('tokens-per-minute="@(1 + 1)"')),
    right: inbound(limit('tokens-per-minute="{{limit}}"')),
  },
  {
    code: "invalid-value",
    wrong: inbound(limit('tokens-per-minute="10k"')),
    right: inbound(limit('tokens-per-minute=" 10000 "')),
    message: "The string '10k' is not a valid Int32 value.",
    fix: "Write a whole number.",
  },
  {
    code: "invalid-value",
    wrong: inbound(limit('token-quota="1" token-quota-period="Minutely"')),
    right: inbound(limit('token-quota="1" token-quota-period="Hourly"')),
    message: "The Enumeration constraint failed.",
  },
  {
    code: "invalid-value",
    wrong: inbound("<choose><when condition='True'></when></choose>"),
    right: inbound("<choose><when condition='{{flag}}'></when></choose>"),
    message: "The string 'True' is not a valid Boolean value.",
  },
  {
    code: "invalid-value",
    wrong: inbound("<rate-limit-by-key counter-key='k' renewal-period='60' calls='{{calls}}' />"),
    right: inbound("<rate-limit-by-key counter-key='k' renewal-period='{{period}}' calls='{{secret}}' />"),
    options: {
      inventory: {
        namedValues: new Map([
          ["calls", "many"],
          ["period", "@(30)"],
          ["secret", null],
        ]),
      },
    },
    message: "'many'",
  },
  {
    code: "missing-attribute",
    wrong: inbound('<set-variable name="a" />'),
    right: inbound('<set-variable name="a" value="" />'),
    message: "The required attribute 'value' is missing.",
  },
  {
    code: "missing-attribute",
    severity: "warning",
    wrong: inbound("<wait><cache-lookup-value key='k' variable-name='v' /></wait>"),
    right: inbound("<wait for='any'><cache-lookup-value key='k' variable-name='v' /></wait>"),
  },
  {
    code: "missing-companion",
    wrong: inbound(limit('token-quota="1000"')),
    right: inbound(limit('token-quota="1000" token-quota-period="Daily"')),
  },
  {
    code: "missing-one-of",
    wrong: inbound(limit("")),
    right: inbound(limit('tokens-per-minute="1"')),
  },
  { code: "missing-one-of", wrong: inbound("<set-backend-service />"), right: inbound("<set-backend-service backend-id='a' />") },
  {
    code: "out-of-range",
    wrong: inbound("<rate-limit calls='10' renewal-period='3600' />"),
    right: inbound("<rate-limit calls='10' renewal-period='300' />"),
    fix: "Write a value from 1 to 300.",
  },
  {
    code: "out-of-range",
    wrong: inbound("<quota-by-key counter-key='k' calls='10' renewal-period='60' />"),
    right: inbound("<quota-by-key counter-key='k' calls='10' renewal-period='0' />"),
    fix: "Write a value from 300, or 0.",
  },
  {
    code: "out-of-range",
    wrong: inbound("<retry condition='true' count='51' interval='0'></retry>"),
    right: inbound("<retry condition='true' count='50' interval='0'></retry>"),
    fix: "Write a value up to 50.",
  },
  {
    code: "template-placeholder",
    severity: "warning",
    wrong: inbound('<set-backend-service backend-id="{backend-id}" />'),
    right: inbound('<rewrite-uri template="/a/{backend-id}" />'),
    message: "'{backend-id}' in the attribute 'backend-id'",
  },
  {
    code: "template-placeholder",
    severity: "warning",
    wrong: inbound("<retry condition='true' count='RETRY_COUNT' interval='0'></retry>"),
    right: inbound("<set-variable name='RETRY_COUNT' value='#host# {host}' />"),
  },
  {
    code: "template-placeholder",
    severity: "warning",
    wrong: inbound(request("<set-url>https://#host#/</set-url><set-method>GET</set-method>")),
    right: inbound(request("<set-url>https://{{host}}/#a</set-url><set-method>GET</set-method>")),
  },
  {
    code: "template-placeholder",
    severity: "warning",
    wrong: inbound("%{ if isTest }"),
    right: inbound("{{policies}}"),
    line: 2,
  },
  {
    code: "unknown-attribute",
    wrong: inbound(limit('tokens-per-minute="1" estimate-prompt-token="true"')),
    right: inbound(limit('tokens-per-minute="1" id="generated" xmlns:x="urn:x"')),
    message: "The 'estimate-prompt-token' attribute is not declared.",
    fix: "Did you mean estimate-prompt-tokens?",
  },
  {
    code: "unknown-attribute",
    wrong: inbound("<choose><when condition='true' id='a' /></choose>"),
    right: inbound("<choose id='a'><when condition='true' /></choose>"),
    fix: "Remove it; <when> has condition.",
  },
];
