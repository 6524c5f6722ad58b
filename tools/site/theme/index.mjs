/** The usual theme of VitePress, with what its pages need here. */
import theme from 'vitepress/theme';
// oxlint-disable-next-line import/no-unassigned-import -- a sheet of styles has no name
import './site.css';

// oxlint-disable-next-line import/no-default-export -- VitePress asks for it
export default theme;
