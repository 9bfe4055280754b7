import type { GatewayCase } from "./case.ts";
import { decided } from "./decided.ts";
import { literals } from "./literals.ts";
import { shared } from "./shared.ts";
import { uneven } from "./uneven.ts";
import { unusual } from "./unusual.ts";

/** Gateways as people build them (P1 to P12 are patterns of public repositories), and what must be found and may be edited in each. */
export const gateways: readonly GatewayCase[] = [...literals, ...decided, ...shared, ...unusual, ...uneven];
