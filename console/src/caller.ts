/** Who is asking, and what they may do: asked once a key, so that no page is offered that would be refused. */
import { get } from "./api/client";
import type { Caller, Scope } from "./api/types";
import { signal, useSignal } from "./signal";

export const caller = signal<Caller | null>(null);
let asking = false;

/** Ask the service, again for each key; where it does not answer, nothing but what everybody may is offered. */
export async function askWho(): Promise<void> {
  if (asking) return; // the question under way goes on with the key that was given
  asking = true;
  try {
    caller.value = await get<Caller>("caller");
  } catch {
    caller.value = null;
  } finally {
    asking = false;
  }
}

export function may(scope: Scope): boolean {
  return caller.value?.scopes.includes(scope) ?? false;
}

/** The same for a component, which is drawn again when the answer is there. */
export function useMay(scope: Scope): boolean {
  return useSignal(caller)?.scopes.includes(scope) ?? false;
}
