/** A link to one of the console's own pages. */
import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { HOME, pagePath } from "../place";

interface Props {
  to: string;
  class?: string;
  children: ComponentChildren;
}

export function Link({ to, class: style, children }: Props) {
  const here = useLocation().path.slice(HOME.length - 1).replace(/^\//, "");
  const page = to.split("?")[0];
  return (
    <a href={pagePath(to)} class={style} aria-current={page === here ? "page" : undefined}>
      {children}
    </a>
  );
}

/** Go to one of the console's pages. */
export function useGo(): (page: string, replace?: boolean) => void {
  const { route } = useLocation();
  return (page, replace = false) => route(pagePath(page), replace);
}
