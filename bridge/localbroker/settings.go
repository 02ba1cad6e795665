package localbroker

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// nodeName is that of a node that is alone. It needs no name service; the mapper of its own keeps it apart from
// other nodes that are called the same.
const nodeName = "hogar@localhost"

func (r *RabbitMQ) path(name string) string { return filepath.Join(r.opts.Dir, name) }

func (r *RabbitMQ) environment() []string {
	const onLoopback = "-kernel inet_dist_use_interface {127,0,0,1}"
	return []string{
		"detached=1", // the script becomes the node, so that a signal and an exit code are the node's own
		"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8", "LC_ALL=C.UTF-8",
		"HOME=" + r.path("home"),
		"RABBITMQ_NODENAME=" + r.name, "RABBITMQ_USE_LONGNAME=false",
		"RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
		fmt.Sprintf("RABBITMQ_NODE_PORT=%d", r.opts.Port),
		fmt.Sprintf("RABBITMQ_DIST_PORT=%d", r.dist),
		"RABBITMQ_MNESIA_BASE=" + r.path("mnesia"),
		"RABBITMQ_LOG_BASE=" + r.path("log"),
		"RABBITMQ_PID_FILE=" + r.path("pid"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + r.path("enabled_plugins"),
		"RABBITMQ_CONFIG_FILE=" + r.path("rabbitmq"),
		"RABBITMQ_ADVANCED_CONFIG_FILE=" + r.path("advanced"),
		"RABBITMQ_GENERATED_CONFIG_DIR=" + r.path("schema"),
		"RABBITMQ_CONF_ENV_FILE=/dev/null",
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none " + onLoopback,
		"RABBITMQ_CTL_ERL_ARGS=+S 1:1 " + onLoopback,
		"ERL_EPMD_ADDRESS=127.0.0.1",
		fmt.Sprintf("ERL_EPMD_PORT=%d", r.epmd),
	}
}

const rabbitmqConf = `disk_free_limit.absolute = 50MB
log.console = false
log.file.level = info
`

func (r *RabbitMQ) writeFiles() error {
	for _, dir := range []string{"home", "log", "mnesia", "schema"} {
		if err := os.MkdirAll(r.path(dir), 0o700); err != nil {
			return err
		}
	}
	conf := rabbitmqConf + fmt.Sprintf("vm_memory_high_watermark.absolute = %dMB\n", cmp.Or(r.opts.Memory, 400))
	plugins := slices.Clone(r.opts.Plugins)
	if r.opts.TLS != nil {
		conf, plugins = conf+r.opts.TLS.rabbitmq(), append(plugins, "rabbitmq_auth_mechanism_ssl")
	}
	if port := r.opts.Management; port != 0 {
		conf, plugins = conf+fmt.Sprintf("management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = %d\n", port), append(plugins, "rabbitmq_management")
	}
	if port := r.opts.MQTT; port > 0 {
		conf, plugins = conf+fmt.Sprintf("mqtt.listeners.tcp.1 = 127.0.0.1:%d\n", port), append(plugins, "rabbitmq_mqtt")
	}
	conf += r.clusterConf() + r.opts.Conf
	for name, text := range map[string]string{"rabbitmq.conf": conf, "enabled_plugins": "[" + strings.Join(plugins, ",") + "].\n"} {
		if err := os.WriteFile(r.path(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	cookie := r.path("home/.erlang.cookie")
	if _, err := os.Stat(cookie); err == nil {
		return nil // of an earlier run on the same data
	}
	return os.WriteFile(cookie, []byte(rand.Text()), 0o400)
}
