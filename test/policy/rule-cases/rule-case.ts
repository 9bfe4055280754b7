import type { RuleCode } from "../../../src/policy/rules/index.ts";
import type { ValidateOptions } from "../../../src/policy/validate.ts";

export const inbound = (xml: string): string => `<policies>\n<inbound>\n${xml}\n</inbound>\n</policies>`;
export const outbound = (xml: string): string => `<policies>\n<outbound>\n${xml}\n</outbound>\n</policies>`;
export const fragment = (xml: string): string => `<fragment>\n${xml}\n</fragment>`;

export const limit = (attributes: string): string => `<llm-token-limit counter-key="k" estimate-prompt-tokens="true" ${attributes} />`;
export const metric = (dimensions: string): string => `<emit-metric name="m">${dimensions}</emit-metric>`;
export const request = (content: string): string => `<send-request response-variable-name="r">${content}</send-request>`;
export const cors = "<cors><allowed-origins><origin>*</origin></allowed-origins></cors>";
export const jwt = (content: string): string => `<validate-jwt header-name="Authorization">${content}</validate-jwt>`;

export const resolver =
  "<http-data-source><http-request><set-method>GET</set-method><set-url>https://a</set-url></http-request></http-data-source>";

/** A document that breaks a rule, and one like it that does not. */
export interface RuleCase {
  readonly code: RuleCode;
  readonly severity?: "warning";
  readonly wrong: string;
  readonly right: string;
  readonly options?: ValidateOptions;
  /** Line of the mistake; that of what `inbound` and `outbound` wrap where it is left out. */
  readonly line?: number;
  /** Part of what is said. */
  readonly message?: string;
  readonly fix?: string;
}
