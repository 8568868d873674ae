import type { IconName } from '../components/ui/Icon';

export type Page = { href: string; title: string; icon: IconName; description: string };

/** The pages in the order of the sidebar. A page's title and description stand at its top, too. */
export const NAV: { group: string; pages: Page[] }[] = [
  {
    group: 'Monitor',
    pages: [
      { href: '/', title: 'Overview', icon: 'overview', description: 'Where the money is, right now.' },
      { href: '/usage', title: 'Usage', icon: 'usage', description: 'What was spent, on what, and by whom.' },
      {
        href: '/requests',
        title: 'Requests',
        icon: 'requests',
        description: 'Every request, what it reserved and what it cost.',
      },
      { href: '/live', title: 'Live', icon: 'live', description: 'Requests that are being answered now.' },
    ],
  },
  {
    group: 'Manage',
    pages: [
      {
        href: '/keys',
        title: 'Keys',
        icon: 'keys',
        description: 'One key for each application, each with a budget that holds.',
      },
      {
        href: '/providers',
        title: 'Providers & prices',
        icon: 'providers',
        description: 'Where requests go, and what a token costs there.',
      },
      {
        href: '/pipeline',
        title: 'Pipeline',
        icon: 'pipeline',
        description: 'The steps of pouch.yaml that every request passes through.',
      },
    ],
  },
  {
    group: 'Build',
    pages: [
      {
        href: '/playground',
        title: 'Playground',
        icon: 'playground',
        description: 'Ask a model with one of your keys, and watch what it costs.',
      },
      {
        href: '/settings',
        title: 'Settings',
        icon: 'settings',
        description: 'This gateway, and how you see it.',
      },
    ],
  },
];

/** The page at `href`; the sidebar knows every page, so an unknown one is a mistake in the code. */
export function pageAt(href: string): Page {
  const page = NAV.flatMap((group) => group.pages).find((candidate) => candidate.href === href);
  if (!page) throw new Error(`no page at ${href}`);
  return page;
}
