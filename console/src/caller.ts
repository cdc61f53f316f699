/** Who is asking, and what they may do: asked once, so that no page is offered that would be refused. */
import { get } from "./api/client";
import type { Caller, Scope } from "./api/types";
import { signal, useSignal } from "./signal";

export const caller = signal<Caller | null>(null);

/** Ask the service; where it does not answer, nothing but what everybody may is offered. */
export async function askWho(): Promise<void> {
  try {
    caller.value = await get<Caller>("caller");
  } catch {
    caller.value = null;
  }
}

export function may(scope: Scope): boolean {
  return caller.value?.scopes.includes(scope) ?? false;
}

/** The same for a component, which is drawn again when the answer is there. */
export function useMay(scope: Scope): boolean {
  return useSignal(caller)?.scopes.includes(scope) ?? false;
}
