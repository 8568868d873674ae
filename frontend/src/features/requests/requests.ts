/** What the pages of requests ask of the API. */
import { api, ok, type Schemas } from '../../lib/api/client';

export type LoggedRequest = Schemas['RequestObject'];
export type Story = Schemas['RequestStoryObject'];
export type Price = Schemas['PriceObject'];

export const showRequest = (id: string, signal: AbortSignal) =>
  ok(api.GET('/api/requests/{request_id}', { params: { path: { request_id: id } }, signal }));

export const refundRequest = (id: string, body: Schemas['RefundBody']) =>
  ok(api.POST('/api/requests/{request_id}/refund', { params: { path: { request_id: id } }, body }));

export const allPrices = (signal: AbortSignal) => ok(api.GET('/api/prices', { signal }));
