import * as z from "zod";
import type { MemberAnswer, TestPath } from "../../gateway/test-path.ts";
import type { TestedMembers } from "../types.ts";

/** A test path as a stored plan has it, without its documents. */
export const storedTestPath = z.object({
  apiId: z.string(),
  durationMs: z.number(),
  request: z.object({ method: z.string(), path: z.string(), body: z.string().nullable() }).readonly(),
  members: z.array(z.object({ backendId: z.string(), url: z.string().nullable() }).readonly()).readonly(),
}) satisfies z.ZodType<TestPath>;

const answer = z
  .object({ backendId: z.string(), status: z.number(), region: z.string().nullable(), time: z.string() })
  .readonly() satisfies z.ZodType<MemberAnswer>;

/** What members have answered, as the journal keeps it. */
export const testedMembers = z
  .object({ answers: z.array(answer).readonly(), left: z.array(z.string()).readonly() })
  .readonly() satisfies z.ZodType<TestedMembers>;

export const testedMembersKey = (changeId: string): string => `${changeId}/tested`;
