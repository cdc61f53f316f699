/** Tickets, in one chunk. */
export { TicketPage } from "./ticket";
export { Tickets } from "./tickets";
