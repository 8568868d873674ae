import type { ComponentChildren } from 'preact';
import { Dialog } from './Dialog';

type Props = {
  title: string;
  description?: ComponentChildren;
  onClose: () => void;
  children: ComponentChildren;
  footer?: ComponentChildren;
};

/** The whole story of one row, over the list it stands in. Open it by a parameter of the address. */
export const Drawer = (props: Props) => <Dialog kind="sheet" {...props} />;
