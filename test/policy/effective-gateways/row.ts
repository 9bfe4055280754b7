import type { TargetNames } from "../../../src/gateway/targets.ts";
import type { Shorthand } from "../gateway-texts.ts";

/**
 * A gateway, a call to it, and the policies that it meets, in their order: `inbound retry/forward-request global:3, in chat:4, if a and b`.
 * Lines are those of the service, which gives each element a line of its own.
 */
export type Row = readonly [name: string, gateway: Shorthand, call: TargetNames, expected: readonly string[]];

export const when = (condition: string, ...elements: readonly string[]) => `<when condition="${condition}">${elements.join("")}</when>`;
export const otherwise = (...elements: readonly string[]) => `<otherwise>${elements.join("")}</otherwise>`;
export const choose = (...branches: readonly string[]) => `<choose>${branches.join("")}</choose>`;
