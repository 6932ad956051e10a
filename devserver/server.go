package main

import (
	"encoding/json"
	"fmt"
	"net"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	clusterName = "active"
	storeName   = "sqlite"
	loopback    = "127.0.0.1"
)

// newServer makes the database ready and returns a server that has not started yet.
func newServer(o options, logger log.Logger) (temporal.Server, error) {
	dynamic, err := dynamicConfig(o.dynamic)
	if err != nil {
		return nil, err
	}
	store, err := openDatabase(o)
	if err != nil {
		return nil, err
	}
	ports, err := servicePorts(o.port)
	if err != nil {
		return nil, err
	}
	return temporal.NewServer(
		temporal.WithConfig(serverConfig(o, store, ports)),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts(ports)),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithDynamicConfigClient(dynamic),
	)
}

// newLogger returns a logger to the standard error stream, and its level, which may be changed at any time.
func newLogger(o options) (log.Logger, zap.AtomicLevel, error) {
	levels := map[string]zapcore.Level{"debug": zap.DebugLevel, "info": zap.InfoLevel, "warn": zap.WarnLevel,
		"error": zap.ErrorLevel, "fatal": zap.FatalLevel, "never": zap.FatalLevel}
	level, found := levels[o.logLevel]
	if !found {
		return nil, zap.AtomicLevel{}, fmt.Errorf("log level %q is none of debug, info, warn, error, fatal, never", o.logLevel)
	}
	conf := zap.NewProductionConfig()
	conf.Level = zap.NewAtomicLevelAt(level)
	conf.EncoderConfig = log.DefaultZapEncoderConfig
	conf.Encoding = "console"
	if o.logFormat == "json" {
		conf.Encoding = "json"
	}
	conf.DisableCaller = true
	conf.DisableStacktrace = true
	logger, err := conf.Build()
	if err != nil {
		return nil, conf.Level, err
	}
	return log.NewZapLogger(logger), conf.Level, nil
}

// dynamicConfig returns what the official development server sets, time skipping, and above these what was asked for.
func dynamicConfig(values list) (dynamicconfig.StaticClient, error) {
	client := dynamicconfig.StaticClient{
		dynamicconfig.WorkflowTimeSkippingEnabled.Key():                  true,
		dynamicconfig.HistoryCacheHostLevelMaxSize.Key():                 8096,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 100,
	}
	for _, text := range values {
		key, value, err := pair(text)
		if err != nil {
			return nil, err
		}
		client[dynamicconfig.MakeKey(key)] = dynamicValue(value)
	}
	return client, nil
}

// dynamicValue reads JSON with whole numbers as int, the only form the server takes; other text stands for itself.
func dynamicValue(text string) any {
	var whole int
	if json.Unmarshal([]byte(text), &whole) == nil {
		return whole
	}
	var value any
	if json.Unmarshal([]byte(text), &value) == nil {
		return value
	}
	return text
}

// servicePorts returns the port of each service; only the frontend's is known to others.
func servicePorts(frontend int) (map[primitives.ServiceName]int, error) {
	ports := map[primitives.ServiceName]int{primitives.FrontendService: frontend}
	for _, name := range []primitives.ServiceName{
		primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
	} {
		// All stay open until each service has one, so that no two services are given the same.
		listener, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
		if err != nil {
			return nil, fmt.Errorf("no free port for the %s service: %w", name, err)
		}
		defer listener.Close()
		ports[name] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

// hosts tells each service where the others are.
func hosts(ports map[primitives.ServiceName]int) map[primitives.ServiceName]static.Hosts {
	found := map[primitives.ServiceName]static.Hosts{}
	for name, port := range ports {
		found[name] = static.SingleLocalHost(address(loopback, port))
	}
	return found
}

// serverConfig describes a cluster of one, without archival.
func serverConfig(o options, store *config.SQL, ports map[primitives.ServiceName]int) *config.Config {
	conf := &config.Config{}
	conf.Global.Membership.MaxJoinDuration = 30 * time.Second
	conf.Global.Membership.BroadcastAddress = loopback
	conf.Persistence.DefaultStore = storeName
	conf.Persistence.VisibilityStore = storeName
	conf.Persistence.NumHistoryShards = 1
	conf.Persistence.DataStores = map[string]config.DataStore{storeName: {SQL: store}}
	conf.ClusterMetadata = &cluster.Config{
		FailoverVersionIncrement: 10,
		MasterClusterName:        clusterName,
		CurrentClusterName:       clusterName,
		ClusterInformation: map[string]cluster.ClusterInformation{
			clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: address(o.ip, o.port)},
		},
	}
	conf.DCRedirectionPolicy.Policy = "noop"
	conf.Archival.History.State = "disabled"
	conf.Archival.Visibility.State = "disabled"
	conf.NamespaceDefaults.Archival.History.State = "disabled"
	conf.NamespaceDefaults.Archival.Visibility.State = "disabled"
	conf.PublicClient.HostPort = address(loopback, o.port)
	conf.Services = map[string]config.Service{}
	for name, port := range ports {
		conf.Services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: loopback}}
	}
	conf.Services[string(primitives.FrontendService)] = config.Service{RPC: config.RPC{GRPCPort: o.port, BindOnIP: o.ip}}
	return conf
}

// address joins host and port, IPv6 included.
func address(host string, port int) string {
	return net.JoinHostPort(host, fmt.Sprint(port))
}
